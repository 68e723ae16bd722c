"""Networks that make pictures larger, of whatever architecture spandrel knows."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from spandrel import ImageModelDescriptor, ModelLoader, SizeRequirements, UnsupportedModelError
from torch import Tensor, nn

from ..video.fingerprint import fingerprint
from .network_files import read_network
from .weight_files import WeightFileError

# Plain chains of convolutions, in spandrel's names, which see only as far as their kernels reach.
CHAINS = ("Compact", "SPAN")
SPAN_SLOPE = 0.05


@dataclass(frozen=True, eq=False)
class Upscaler:
    """A network that takes RGB (B, 3, H, W) in 0..1 and gives it `scale` times as large.

    Sides must be multiples of `multiple_of`, `minimum` at least, and equal if it is `square`. A
    pixel depends on `reach` pixels around it; None where that is too many to be worth counting.
    `module` holds the weights and `call` runs it, in the module's precision or under autocast. A
    network of one channel gets red, green and blue one after the other. `patcher` is core's, where
    core manages the module's memory.
    """

    name: str
    module: nn.Module
    call: Callable[[Tensor], Tensor]
    architecture: str
    scale: int
    channels: int = 3
    multiple_of: int = 1
    minimum: int = 0
    square: bool = False
    reach: int | None = None
    supports_half: bool = False
    supports_bfloat16: bool = False
    patcher: Any = None  # a ModelPatcher, which this file does not know

    def __call__(self, rgb: Tensor) -> Tensor:
        if self.channels == 1:
            return self.call(rgb.flatten(0, 1)[:, None]).unflatten(0, rgb.shape[:2])[:, :, 0]
        return self.call(rgb)

    def fingerprint(self) -> str:
        """The same for two networks with the same weights."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        state = self.module.state_dict().items()
        tensors = {name: value for name, value in state if isinstance(value, Tensor)}
        return fingerprint(self.architecture, self.scale, tensors)

    def describe(self) -> str:
        return f"{self.name} ({self.architecture} {self.scale}x)"


def read_upscaler(file: Path) -> Upscaler:
    """The network of a weight file. Raises WeightFileError for anything else.

    Nothing in the file is run.
    """
    state = read_network(file)
    try:
        found = ModelLoader().load_from_state_dict(state)
    except (UnsupportedModelError, RuntimeError, KeyError, ValueError) as error:
        raise WeightFileError(
            f"{file.name} is no upscaler that spandrel knows ({_first_line(error)}): choose "
            "another file, or update spandrel."
        ) from error
    return as_upscaler(found, file.stem)


def as_upscaler(found: Any, name: str = "the connected network") -> Upscaler:  # noqa: ANN401
    """What core's UPSCALE_MODEL carries: spandrel's descriptor of a network, or something like it.

    The descriptor is not changed. SPAN, whose layers fold their weights anew at every call in
    spandrel, is copied with them folded once, and gives the same pixels. Raises WeightFileError for
    networks that take or give anything but pictures in gray or RGB.
    """
    patcher = getattr(found, "patcher", None)
    if isinstance(getattr(found, "model", None), ImageModelDescriptor):
        found = found.model
    if not callable(found) or not isinstance(getattr(found, "model", None), nn.Module):
        raise WeightFileError(
            f"{name} is a {type(found).__name__}: connect an upscale model, of Load Upscale Model."
        )
    channels = (getattr(found, "input_channels", 3), getattr(found, "output_channels", 3))
    is_image = isinstance(found, ImageModelDescriptor) or not hasattr(found, "purpose")
    if not is_image or channels not in ((3, 3), (1, 1)):
        raise WeightFileError(
            f"{name} turns {channels[0]} channels into {channels[1]}, or needs a mask: choose a "
            "network that takes RGB or gray pictures and gives the same."
        )
    architecture = getattr(getattr(found, "architecture", None), "id", type(found.model).__name__)
    needs = getattr(found, "size_requirements", SizeRequirements())
    module, call = found.model.eval(), found
    if architecture == "SPAN":
        module, patcher = with_folded_layers(module), None
        call = partial(_call, module)
    return Upscaler(
        name,
        module,
        call,
        architecture,
        int(found.scale),
        channels[0],
        needs.multiple_of,
        needs.minimum,
        needs.square,
        count_reach(module) if architecture in CHAINS else None,
        bool(getattr(found, "supports_half", False)),
        bool(getattr(found, "supports_bfloat16", False)),
        patcher,
    )


def with_folded_layers(module: nn.Module) -> nn.Module:
    """A copy of a SPAN with a plain convolution for each Conv3XC, which is three in training."""
    folded = copy.deepcopy(module).requires_grad_(False).eval()
    blocks = {n: m for n, m in folded.named_modules() if hasattr(m, "update_params")}
    for name, block in blocks.items():
        block.update_params()
        layer = block.eval_conv
        if block.has_relu:
            layer = nn.Sequential(layer, nn.LeakyReLU(SPAN_SLOPE))
        parent, _, child = name.rpartition(".")
        setattr(folded.get_submodule(parent), child, layer)
    return folded


@torch.inference_mode()
def _call(module: nn.Module, rgb: Tensor) -> Tensor:
    return module(rgb).clamp_(0, 1)


def count_reach(module: nn.Module) -> int:
    """How far a chain of convolutions looks, in pixels: 18 for Compact with 16, 21 for SPAN."""
    return sum(
        max((size - 1) // 2 * wide for size, wide in zip(m.kernel_size, m.dilation, strict=True))
        for m in module.modules()
        if isinstance(m, nn.Conv2d)
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
