"""Random adapters on named modules, and the dialects as trainers spell them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod

import torch
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.diffusers_keys import rename, swap, unet_pairs
from svd_studio.models.lora.dialects import ModuleNames
from svd_studio.models.lora.lora_file import LoraFile
from svd_studio.models.lora.weights import LoraWeights
from torch import Tensor

from ..diffusers_twins import on_meta, unet_twin

SMALL = UNetArchitecture(
    model_channels=32,
    channel_mult=(1, 2),
    num_res_blocks=(1, 1),
    transformer_depth=(1, 1),
    transformer_depth_output=(1, 1, 1, 1),
    context_dim=24,
    num_head_channels=16,
)
Spell = Callable[[str, str], tuple[str, str]]  # (sgm, diffusers) -> keys of (up, down)


def shapes_of(architecture: UNetArchitecture) -> dict[str, tuple[int, ...]]:
    """Checkpoint names and shapes by way of diffusers' network, without memory."""
    return rename(on_meta(unet_twin, architecture), swap(unet_pairs(architecture)))


def lora(
    weights: Mapping[str, tuple[int, ...]],
    modules: Iterable[str],
    rank: int = 2,
    alpha: float | None = None,
    seed: int = 0,
) -> LoraWeights:
    """LoRA whose factors have the shapes that `peft` gives them."""
    generator = torch.Generator().manual_seed(seed)
    adapters = {}
    for module in modules:
        out, *rest = weights[module]
        ones = [1] * max(len(rest) - 1, 0)
        adapters[module] = {
            "lora_up.weight": torch.randn(out, rank, *ones, generator=generator),
            "lora_down.weight": torch.randn(rank, *rest, generator=generator),
        }
        if alpha is not None:
            adapters[module]["alpha"] = torch.tensor(float(alpha))
    return LoraWeights("some.safetensors", adapters)


def flat(name: str) -> str:
    return name.replace(".", "_")


def _peft(prefix: str, adapter: str = "") -> Spell:
    return lambda sgm, theirs: (
        f"{prefix}{theirs}.lora_B{adapter}.weight",
        f"{prefix}{theirs}.lora_A{adapter}.weight",
    )


def _sgm(prefix: str) -> Spell:
    return lambda sgm, theirs: (f"{prefix}{sgm}.lora_up.weight", f"{prefix}{sgm}.lora_down.weight")


def _kohya(prefix: str, ours: bool) -> Spell:
    return lambda sgm, theirs: tuple(
        f"{prefix}{flat(sgm if ours else theirs)}.lora_{part}.weight" for part in ("up", "down")
    )


def _between(prefix: str, word: str) -> Spell:
    return lambda sgm, theirs: tuple(f"{prefix}{theirs}.{word}.{p}.weight" for p in ("up", "down"))


def _attention_processor(sgm: str, theirs: str) -> tuple[str, str]:
    block, _, last = theirs.removesuffix(".0").rpartition(".")
    return tuple(f"unet.{block}.processor.{last}_lora.{part}.weight" for part in ("up", "down"))


SPELLS: dict[str, Spell] = {
    "ComfyUI": _sgm("diffusion_model."),
    "checkpoint": _sgm("model.diffusion_model."),
    "unet and sgm": _sgm("unet."),
    "bare sgm": _sgm(""),
    "kohya, sgm": _kohya("lora_unet_", ours=True),
    "kohya, diffusers": _kohya("lora_unet_", ours=False),
    "LyCORIS": _kohya("lycoris_", ours=False),
    "diffusers": _peft("unet."),
    "bare diffusers": _peft(""),
    "PEFT": _peft("base_model.model."),
    "PEFT of a pipeline": _peft("base_model.model.unet."),
    "old PEFT script": _peft("unet.base_model.model."),
    "PEFT, adapter's name left": _peft("base_model.model.", ".default"),
    "lora.up": _between("unet.", "lora"),
    "lora_linear_layer": _between("unet.", "lora_linear_layer"),
}
ATTENTION_PROCESSORS = "attention processors"
ATTENTION_SPELLS = SPELLS | {ATTENTION_PROCESSORS: _attention_processor}


def spelled(weights: LoraWeights, spell: Spell, names: ModuleNames) -> LoraFile:
    """`weights` as a file of another dialect; alphas as kohya writes them."""
    tensors: dict[str, Tensor] = {}
    for module, adapter in weights.modules.items():
        up, down = spell(module, names.diffusers[module])
        tensors[up] = adapter["lora_up.weight"]
        tensors[down] = adapter["lora_down.weight"]
    return LoraFile(weights.name, tensors, {})


def change(adapter: Mapping[str, Tensor]) -> Tensor:
    """The matrix that plain LoRA adds, (out, everything else), scaled by its alpha."""
    up, down = adapter["lora_up.weight"], adapter["lora_down.weight"]
    scale = adapter["alpha"].item() / down.shape[0] if "alpha" in adapter else 1.0
    return scale * up.flatten(1) @ down.reshape(down.shape[0], prod(down.shape[1:]))
