"""Which RIFE a table of weights is, read from its names and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import count, takewhile

from torch import Tensor

from ..weight_files import WeightFileError

FLOW, MASK = 4, 1  # channels: where to look in both frames, and which frame to trust
# What only training needs, and 4.0's refinement, which its authors' fast mode leaves out too.
DROPPED = ("block_tea.", "teacher.", "caltime.", "contextnet.", "unet.")


class Layer(Enum):
    """What the eight layers of a block are."""

    PRELU = "convolution and PReLU, with a way past all eight"  # 4.0, 4.1
    PLAIN = "convolution and leaky ReLU"  # 4.2 to 4.4
    RESIDUAL = "convolution, scaled and added"  # 4.5 and newer


@dataclass(frozen=True)
class Head:
    """The encoder of one frame: `width` channels inside, `channels` out, `depth` layers.

    Two layers (4.7 to 4.9) have nothing between them, four (4.10 and newer) a leaky ReLU.
    """

    width: int
    channels: int
    depth: int


@dataclass(frozen=True)
class RifeArchitecture:
    """Everything in which RIFE 4.0 to 4.26 differ.

    `widths` of the blocks; block k sees the frames at 1 / `scales[k]` of their size and gives
    `outputs` channels: flow, mask, and what is left for the next block.
    """

    widths: tuple[int, ...]
    scales: tuple[int, ...]
    layer: Layer
    groups: int
    outputs: int
    head: Head | None

    @property
    def multiple(self) -> int:
        """Sides have to be multiples of it, at scale 1."""
        return 4 * self.scales[0]

    @property
    def half_size(self) -> bool:
        """Whether a block's output has half the size of its input."""
        return self.layer is not Layer.RESIDUAL

    @property
    def passed_on(self) -> int:
        """Channels that a block leaves for the next one, beside flow and mask."""
        return 8 if self.outputs == 13 else 0

    @property
    def adds_masks(self) -> bool:
        """Whether a block corrects the mask before it; from 4.7 on it replaces it."""
        return self.head is None

    def inputs(self, block: int) -> int:
        """Channels that a block takes: two frames, their features, the time, what came before."""
        frames = 2 * (3 + (self.head.channels if self.head else 0)) + 1
        return frames if block == 0 else frames + MASK + self.passed_on + FLOW

    def describe(self) -> str:
        head = f", encoder of {self.head.channels} channels" if self.head else ""
        return f"RIFE with blocks of {', '.join(map(str, self.widths))} channels{head}"


def recognise(weights: Mapping[str, Tensor]) -> RifeArchitecture:
    """The architecture of weights named by `named`; WeightFileError where it is none of RIFE 4."""
    names = (f"blocks.{block}.conv0.1.0.weight" for block in count())
    widths = tuple(len(weights[name]) for name in takewhile(weights.__contains__, names))
    if len(widths) not in (4, 5):
        raise not_rife(weights)
    layer = _layer(weights)
    last = weights.get(f"blocks.0.lastconv{'.0' if layer is Layer.RESIDUAL else ''}.weight")
    first = weights.get(f"blocks.0.convblock.0.{'conv' if layer is Layer.RESIDUAL else '0'}.weight")
    if last is None or first is None:
        raise not_rife(weights)
    return RifeArchitecture(
        widths,
        _scales(widths),
        layer,
        groups=widths[0] // max(first.shape[1], 1),
        outputs=last.shape[1] // (4 if layer is Layer.RESIDUAL else 1),
        head=_head(weights),
    )


def named(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`weights` under one set of names, whoever published them; without what is not used.

    Practical-RIFE says `block0` and ComfyUI `blocks.0`; the encoder's layers are numbered, or
    called `cnn0` to `cnn3`.
    """
    result = {}
    for given, tensor in weights.items():
        name = given.removeprefix("module.").removeprefix("flownet.")
        if not name.startswith(DROPPED):
            name = re.sub(r"^block(\d)\.", r"blocks.\1.", name)
            name = re.sub(r"^encode\.cnn(\d)\.", lambda m: f"encode.{2 * int(m[1])}.", name)
            result[name] = tensor
    return result


def not_rife(weights: Mapping[str, Tensor]) -> WeightFileError:
    found = ", ".join(f"{name} {tuple(weights[name].shape)}" for name in sorted(weights)[:3])
    return WeightFileError(
        f"These {len(weights)} weights are no RIFE 4.0 to 4.26 (found {found or 'nothing'}): "
        "choose a flownet.pkl or rife.safetensors of RIFE 4, or connect interp_model."
    )


def _layer(weights: Mapping[str, Tensor]) -> Layer:
    if "blocks.0.convblock.0.beta" in weights:
        return Layer.RESIDUAL
    return Layer.PRELU if "blocks.0.conv0.0.1.weight" in weights else Layer.PLAIN


def _scales(widths: tuple[int, ...]) -> tuple[int, ...]:
    if len(widths) == 5 and widths[-1] == 24:  # 4.25.lite
        return (32, 16, 8, 4, 1)
    return tuple(2**number for number in reversed(range(len(widths))))


def _head(weights: Mapping[str, Tensor]) -> Head | None:
    layers = sorted(
        int(name.split(".")[1]) for name in weights if re.match(r"encode\.\d+\.weight$", name)
    )
    if not layers:
        return None
    first, last = (weights[f"encode.{number}.weight"] for number in (layers[0], layers[-1]))
    return Head(width=len(first), channels=last.shape[1], depth=len(layers))
