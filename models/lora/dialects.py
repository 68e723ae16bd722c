"""What LoRA files call things: the modules of the UNet and the tensors of an adapter.

The names of modules with underscores instead of dots cannot be taken apart without guessing, so
every spelling of every module is generated and looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..diffusers_keys import rename, unet_pairs
from ..svd import unet_architecture
from ..weight_files import Shapes

SGM, DIFFUSERS = "sgm", "diffusers"
MAGNITUDE = "lora_magnitude_vector"
UP_BIAS = "lora_up.bias"

_PREFIX = re.compile(
    r"^(?:base_model\.model\.|model\.diffusion_model\.|diffusion_model\.|unet\.|module\."
    r"|_orig_mod\.)*(?:lora_unet_|lycoris_)?"
)
_NAMED = r"(?:\.[^.]+)?"  # PEFT's name of the adapter, which its savers take out
_SUFFIXES = tuple(
    (re.compile(pattern + "$"), role)
    for pattern, role in (
        (r"\.lora_(up|down|mid)\.weight", r"lora_\1.weight"),
        (r"[._]lora(?:_linear_layer)?\.(up|down)\.weight", r"lora_\1.weight"),
        (rf"\.lora_B{_NAMED}\.bias", UP_BIAS),
        (rf"\.lora_A{_NAMED}(?:\.weight)?", "lora_down.weight"),
        (rf"\.lora_B{_NAMED}(?:\.weight)?", "lora_up.weight"),
        (rf"\.lora_magnitude_vector{_NAMED}(?:\.weight)?", MAGNITUDE),
        (rf"\.(hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2)){_NAMED}", r"\1"),
        (r"\.([ab][12]\.weight)", r"\1"),
        (r"(?:_lora|\.lora)?\.(alpha|dora_scale)", r"\1"),
        (r"\.(oft_blocks|rescale|diff|diff_b|set_weight)", r"\1"),
        (r"\.w_norm", "diff"),
        (r"\.b_norm", "diff_b"),
    )
)


@dataclass(frozen=True)
class Key:
    """A key of a file: who writes such keys, the module as spelled there, the tensor's role."""

    writer: str
    module: str
    role: str

    def dialect(self, naming: str) -> str:
        """The dialect, for people, once it is known whose names the modules have."""
        plain = {SGM: "ComfyUI (sgm names)", DIFFUSERS: "diffusers"}
        return f"{self.writer} ({naming} names)" if self.writer else plain[naming]


def parse_key(key: str) -> Key | None:
    """Take a key apart; None when no trainer ends its keys so."""
    for suffix, role in _SUFFIXES:
        found = suffix.search(key)
        if found is not None:
            return _taken_apart(key, found.start(), found.expand(role))
    return None


def _taken_apart(key: str, end: int, role: str) -> Key:
    prefix = _PREFIX.match(key)
    spelled = key[prefix.end() if prefix else 0 : end]
    return Key(_writer(key, spelled), spelled.replace(".processor.", "."), role)


def _writer(key: str, spelled: str) -> str:
    signs = {
        "lora_unet_": "kohya",
        "lycoris_": "LyCORIS",
        "base_model.model.": "PEFT",
    }
    for sign, writer in signs.items():
        if key.startswith(sign):
            return writer
    return "attention processors" if ".processor." in spelled else ""


@dataclass(frozen=True)
class ModuleNames:
    """The modules of one UNet under every name that files give them.

    `weights` and `biases`: the module's checkpoint name to the shape; a parameter that belongs to
    no layer (`time_mixer.mix_factor`) counts as a weight under its whole name. `diffusers`: the
    checkpoint name to diffusers' name. `known`: any spelling to (checkpoint name, whose name).
    """

    weights: Shapes
    biases: Shapes
    diffusers: Mapping[str, str]
    known: Mapping[str, tuple[str, str]]

    def find(self, key: Key) -> tuple[str, str, str] | None:
        """(checkpoint name, role, whose names) of a key; None when no module is called so."""
        module, naming = self.known.get(key.module, ("", ""))
        if module:
            return module, key.role, naming
        stem = re.sub(r"[._]bias$", "", key.module)
        if key.role == "diff" and stem in self.known:
            module, naming = self.known[stem]
            return module, "diff_b", naming
        return None


def module_names(unet_shapes: Shapes) -> ModuleNames:
    """The names of an SVD UNet; `unet_shapes` as in a checkpoint, without a prefix.

    Raises `WeightFileError` when the shapes are not those of Stable Video Diffusion.
    """
    architecture = unet_architecture(unet_shapes, {}, "The model")
    biases = {key[:-5]: s for key, s in unet_shapes.items() if key.endswith(".bias")}
    weights = {
        key.removesuffix(".weight"): shape
        for key, shape in unet_shapes.items()
        if not key.endswith(".bias")
    }
    renamed = rename({module: module for module in weights}, unet_pairs(architecture))
    diffusers = {ours: theirs for theirs, ours in renamed.items()}
    known = {}
    for module, theirs in diffusers.items():
        known |= dict.fromkeys(spellings(module), (module, SGM))
        known |= dict.fromkeys(spellings(theirs), (module, DIFFUSERS))
    return ModuleNames(weights, biases, diffusers, known)


def spellings(name: str) -> Iterator[str]:
    """How files write a name: with dots or underscores, and attention's output without its 0."""
    for variant in {name, re.sub(r"\.to_out\.0$", ".to_out", name)}:
        yield variant
        yield variant.replace(".", "_")
