"""Convolution weights kept as the kernels for the CPU want them; the same bits, less copying.

After its first transformer the UNet's activations are channels last in memory. The weights are not,
so torch lays them out anew in every convolution of every evaluation, which for small films takes as
long as computing. Here that is done once, and stays. Results are the same bit for bit: a weight is
laid out in the way that the convolution would lay it out for the very input it gets.
"""

from __future__ import annotations

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn


def with_conv_layout(model: ModelPatcher) -> ModelPatcher:
    """A clone that lays its weights out once; as it was on anything but a CPU.

    The layout is a matter of memory, not of values, so clones that share the weights may share it.
    """
    patched = without_conv_layout(model)
    if model.load_device.type != "cpu":
        return patched
    for name, layer in model.model.diffusion_model.named_modules():
        forward = f"diffusion_model.{name}.forward"
        if isinstance(layer, nn.Conv2d) and forward not in patched.object_patches:
            patched.add_object_patch(forward, ConvLayout(layer))
    return patched


def without_conv_layout(model: ModelPatcher) -> ModelPatcher:
    """A clone with core's own convolutions."""
    patched = model.clone()
    for name in [n for n, p in patched.object_patches.items() if isinstance(p, ConvLayout)]:
        del patched.object_patches[name]
    return patched


class ConvLayout:
    """The `forward` of a convolution; its weight is laid out when it first meets such an input."""

    def __init__(self, layer: nn.Conv2d) -> None:
        self.layer = layer

    def __call__(self, x: Tensor) -> Tensor:
        weight = self.layer.weight
        if _channels_last(x) and not weight.is_contiguous(memory_format=torch.channels_last):
            weight.data = weight.contiguous(memory_format=torch.channels_last)
        return type(self.layer).forward(self.layer, x)


def _channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
