"""Putting a LoRA file's adapters on the modules of a video UNet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..weight_files import Shapes, WeightFileError
from .adapters import MisfitError, for_core, rank_of
from .dialects import ModuleNames, module_names, parse_key
from .families import family_of
from .intended_for import intended_for, not_a_lora
from .lora_file import LoraFile
from .peft_config import METADATA_KEY, config_in, with_alpha
from .weights import LoraWeights

NAMES_SHOWN = 3


@dataclass(frozen=True)
class LoraMatch:
    """What of a file reached the UNet.

    `weights` holds the adapters that fit, in ComfyUI's form. `matched`: their number by family.
    `wrong_shape`: a sentence for every module whose adapter does not fit. `unmatched`: keys of the
    file that belong to no module. `seems_for`: the other model this LoRA looks made for, if any.
    """

    weights: LoraWeights
    matched: Mapping[str, int]
    wrong_shape: tuple[str, ...]
    unmatched: tuple[str, ...]
    dialect: str
    seems_for: str | None = None

    def describe(self) -> str:
        """A few lines for people."""
        adapters = self.weights.modules
        ranks = {rank_of(adapter) for adapter in adapters.values()} - {None}
        alphas = {adapter["alpha"].item() for adapter in adapters.values() if "alpha" in adapter}
        lines = [
            f"{self.weights.name}: {self.dialect}, {len(adapters)} adapters matched",
            ", ".join(f"{family} {count}" for family, count in sorted(self.matched.items())),
            ", ".join([*_values("rank", ranks), *_values("alpha", alphas)]),
            _listed("wrong shape", self.wrong_shape),
            _listed("not matched", self.unmatched),
            f"seems to be made for {self.seems_for}" if self.seems_for else "",
        ]
        return "\n".join(line for line in lines if line)


def _values(name: str, found: set) -> list[str]:
    if not found:
        return []
    low, high = min(found), max(found)
    return [f"{name} {low:g}" if low == high else f"{name} {low:g} to {high:g}"]


def _listed(title: str, entries: tuple[str, ...]) -> str:
    if not entries:
        return ""
    more = len(entries) - NAMES_SHOWN
    tail = f" and {more} more" if more > 0 else ""
    return f"{title} ({len(entries)}): {'; '.join(entries[:NAMES_SHOWN])}{tail}"


def match_lora(file: LoraFile, unet_shapes: Shapes) -> LoraMatch:
    """Find the module of every adapter of `file`, in whatever dialect.

    `unet_shapes` are the UNet's under checkpoint (sgm) names without a prefix. Raises
    `WeightFileError` when not one adapter fits, saying what the file seems to be for.
    """
    names = module_names(unet_shapes)
    found = _sort(file, names)
    config = file.peft_config or config_in(file.metadata, file.name) or {}
    fitting: dict[str, Mapping[str, Tensor]] = {}
    misfits = []
    for module, adapter in found.adapters.items():
        adapter = with_alpha(adapter, found.spelled[module], config)
        try:
            fitting[module] = for_core(adapter, names.weights[module], names.biases.get(module))
        except MisfitError as error:
            misfits.append(f"{module} {error}")
    shapes = {key: tuple(tensor.shape) for key, tensor in file.tensors.items()}
    if not fitting:
        raise WeightFileError(_nothing_fits(file.name, shapes, misfits))
    metadata = {key: text for key, text in file.metadata.items() if key != METADATA_KEY}
    return LoraMatch(
        weights=LoraWeights(file.name, fitting, metadata),
        matched=dict(Counter(map(family_of, fitting))),
        wrong_shape=tuple(misfits),
        unmatched=tuple(found.unmatched),
        dialect=found.dialect,
        seems_for=intended_for(shapes) if misfits or found.unmatched else None,
    )


@dataclass
class _Sorted:
    """A file's tensors by module and role, and what was learned of its dialect on the way."""

    adapters: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)
    dialects: Counter[str] = field(default_factory=Counter)

    @property
    def dialect(self) -> str:
        return self.dialects.most_common(1)[0][0]


def _sort(file: LoraFile, names: ModuleNames) -> _Sorted:
    found = _Sorted()
    for name, tensor in file.tensors.items():
        key = parse_key(name)
        located = names.find(key) if key else None
        if key is None or located is None:
            found.unmatched.append(name)
            continue
        module, role, naming = located
        adapter = found.adapters.setdefault(module, {})
        if role in adapter:
            raise WeightFileError(
                f"{file.name} holds more than one adapter for {module} (again in {name}): "
                "save each LoRA to a file of its own."
            )
        adapter[role] = tensor
        found.spelled[module] = key.module
        found.dialects[key.dialect(naming)] += 1
    return found


def _nothing_fits(name: str, shapes: Shapes, misfits: Iterable[str]) -> str:
    misfits = list(misfits)
    model = intended_for(shapes)
    if not any(parse_key(key) for key in shapes):
        return not_a_lora(name, shapes)
    if model:
        return (
            f"{name} seems to be made for {model}, not for Stable Video Diffusion: "
            "choose a LoRA that was trained on SVD."
        )
    if misfits:
        return (
            f"{name} seems to be made for a Stable Video Diffusion or SD 2.x of another width "
            f"({len(misfits)} adapters found, none fits: {misfits[0]}): choose the model it was "
            "trained on."
        )
    return (
        f"{name} is a LoRA for another kind of model (none of its {len(shapes)} names is in "
        f"Stable Video Diffusion, for example {next(iter(shapes))}): choose one trained on SVD."
    )
