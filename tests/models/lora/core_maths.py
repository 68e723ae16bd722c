"""What ComfyUI's own loader and maths add to a weight."""

from __future__ import annotations

import comfy.lora
import torch
from svd_studio.models.lora.weights import LoraWeights
from torch import Tensor


def core_change(weights: LoraWeights, module: str, shape: tuple[int, ...]) -> Tensor:
    """The change to a weight of zeros at strength 1."""
    return core_result(weights, module, torch.zeros(shape))


def core_result(weights: LoraWeights, module: str, weight: Tensor) -> Tensor:
    """The patched weight at strength 1; fails for a key that core does not load."""
    tensors = weights.only([module]).tensors()
    key = f"diffusion_model.{module}.weight"
    loaded = comfy.lora.load_lora(tensors, {f"diffusion_model.{module}": key}, log_missing=False)
    patch = (1.0, loaded[key], 1.0, None, None)
    return comfy.lora.calculate_weight([patch], weight.clone(), key)
