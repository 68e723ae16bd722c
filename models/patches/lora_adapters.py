"""Adapters as core computes with them, and the one kind that it computes differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.lora
import torch
from comfy.weight_adapter import WeightAdapterBase
from torch import Tensor

from ..lora.weights import CORE_PREFIX, LoraWeights

MAGNITUDE = "dora_scale"
FACTOR = ".mix_factor"
# What core keeps for a weight: an adapter of its own, or ("diff", (tensor,)).
CorePatch = Any


def core_patches(weights: LoraWeights) -> dict[str, CorePatch]:
    """Core's patches by the names of its weights: `diffusion_model.<module>.weight` or `.bias`.

    What belongs to no layer, as `time_mixer.mix_factor`, goes by its whole name.
    """
    targets = {f"{CORE_PREFIX}{m}": weight_key(m) for m in weights.modules}
    tensors = weights.tensors()
    magnitudes = {name: tensors.pop(f"{name}.{MAGNITUDE}", None) for name in targets}
    patches = comfy.lora.load_lora(tensors, targets)
    for name, magnitude in magnitudes.items():
        patch = patches.get(targets[name])
        if magnitude is not None and isinstance(patch, WeightAdapterBase):
            patches[targets[name]] = DoraAdapter(patch.loaded_keys, (patch, magnitude))
    return patches


def weight_key(module: str) -> str:
    """Core's name of the weight of the module with this checkpoint name."""
    return f"{CORE_PREFIX}{module}" + ("" if module.endswith(FACTOR) else ".weight")


def module_of(key: str) -> str:
    """The module's checkpoint name, of a key of `core_patches`."""
    return key.removeprefix(CORE_PREFIX).rpartition(".")[0]


def patched_weight(key: str, weight: Tensor, patch: CorePatch, strength: float) -> Tensor:
    """A new tensor as `weight`, computed in float32 as core does where it patches weights."""
    ours = weight.to(torch.float32, copy=True)
    patches = [(strength, patch, 1.0, None, None)]
    return comfy.lora.calculate_weight(patches, ours, key).to(weight.dtype)


def moved(value: CorePatch, device: torch.device) -> CorePatch:
    """The patch with its factors on `device`."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, WeightAdapterBase):
        return type(value)(value.loaded_keys, moved(tuple(value.weights), device))
    if isinstance(value, tuple):
        return tuple(moved(part, device) for part in value)
    return value


class DoraAdapter(WeightAdapterBase):
    """DoRA (Liu et al. 2024) over one of core's adapters: its direction at a learned magnitude.

    `weights`: the adapter and the magnitudes, one for each output (out, ...) or input (1, in, ...).
    Core, up to 0.25 at least, divides magnitudes of outputs by the norm of the weight that it found
    instead of the one that the adapter makes of it, which films otherwise than was trained.
    """

    name = "dora"

    def __init__(self, loaded_keys: set[str], weights: tuple[WeightAdapterBase, Tensor]) -> None:
        self.loaded_keys = loaded_keys
        self.weights = weights

    def calculate_weight(
        self,
        weight: Tensor,
        key: str,
        strength: float,
        strength_model: float,
        offset: Any,  # noqa: ANN401 - core's own, here and below
        function: Callable[[Tensor], Tensor],
        *more: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Tensor:
        """`weight` moved by `strength` towards what was trained, in place."""
        adapter, magnitude = self.weights
        whole = adapter.calculate_weight(
            weight.clone(), key, 1.0, strength_model, offset, function, *more, **named
        )
        magnitude = magnitude.to(whole)
        if magnitude.shape[0] == whole.shape[0]:
            magnitude = magnitude.reshape(-1, *[1] * (whole.ndim - 1))
        axes = [axis for axis in range(whole.ndim) if magnitude.shape[axis] == 1]
        norm = torch.linalg.vector_norm(whole, dim=axes, keepdim=True)
        scale = magnitude / norm.clamp_min(torch.finfo(norm.dtype).eps)
        weight += strength * (whole * scale - weight)
        return weight
