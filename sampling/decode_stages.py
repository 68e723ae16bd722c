"""The temporal decoder as stages: layers that see a frame at a time, then one that sees a pixel.

Written for the layout of Blattmann et al. (2023), core's `VideoDecoder` with "conv-only" time.
Convolutions are called as the modules they are, so that core may keep and cast their weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .clip_norm import frame_norm_silu

FRAMES = 2**25  # elements of several frames at their widest, when they go through together
Shape = tuple[int, ...]


class Kind(Enum):
    """What a step does to a frame."""

    CONV = "convolution"
    ATTENTION = "attention"
    UPSAMPLE = "upsampling by two"
    BLOCK = "residual block"
    EXIT = "norm and last convolution"


@dataclass(frozen=True)
class Step:
    kind: Kind
    module: nn.Module


@dataclass(frozen=True)
class Stage:
    """`steps` over frames, then `time` over pixels: a `VideoResBlock`'s stack, or a last conv.

    `side` is the pixels along a side of what the steps give, for each of the latent's.
    """

    steps: tuple[Step, ...]
    time: nn.Module
    channels_in: int
    channels: int
    side: int

    @property
    def upsamples(self) -> bool:
        return self.steps[0].kind is Kind.UPSAMPLE

    @property
    def exits(self) -> bool:
        return self.steps[-1].kind is Kind.EXIT


def decoder_stages(decoder: nn.Module) -> list[Stage]:
    """All of the decoder, in the order in which it runs."""
    mid, up = decoder.mid, decoder.up
    width = mid.block_1.out_channels
    first = (Step(Kind.CONV, decoder.conv_in), Step(Kind.BLOCK, mid.block_1))
    second = (Step(Kind.ATTENTION, mid.attn_1), Step(Kind.BLOCK, mid.block_2))
    stages = [
        Stage(first, mid.block_1, decoder.conv_in.in_channels, width, 1),
        Stage(second, mid.block_2, width, width, 1),
    ]
    side, upsample = 1, None
    for level in reversed(up):
        for block in level.block:
            before = () if upsample is None else (Step(Kind.UPSAMPLE, upsample),)
            side, upsample = side * (1 + len(before)), None
            steps = (*before, Step(Kind.BLOCK, block))
            stages.append(Stage(steps, block, block.in_channels, block.out_channels, side))
        upsample = getattr(level, "upsample", None)
    out = decoder.conv_out
    last = Stage((Step(Kind.EXIT, decoder),), out, out.in_channels, out.out_channels, side)
    return [*stages, last]


def shape_after(stage: Stage, shape: Shape) -> Shape:
    """The clip (T, C, H, W) that the stage makes of one of `shape`."""
    frames, _, height, width = shape
    scale = 1 + stage.upsamples
    return frames, stage.channels, height * scale, width * scale


def frame_parts(stage: Stage, shape: Shape) -> list[slice]:
    """The frames of a clip of `shape` that go through the stage together."""
    frames, _, height, width = shape_after(stage, shape)
    largest = max(stage.channels_in, stage.channels) * height * width
    count = max(1, FRAMES // largest)
    return [slice(start, min(start + count, frames)) for start in range(0, frames, count)]


def run_whole(steps: tuple[Step, ...], frames: list[Tensor]) -> Tensor:
    """The steps over whole frames (n, C, H, W).

    `frames` hands them over: it is emptied, so that no one keeps what is used up.
    """
    for step in steps:
        frames.append(_WHOLE[step.kind](step.module, frames))
    return frames.pop()


def _conv(module: nn.Module, frames: list[Tensor]) -> Tensor:
    return module(frames.pop())


def _attention(attention: nn.Module, frames: list[Tensor]) -> Tensor:
    x = frames.pop()
    for frame in x.split(1):
        frame.copy_(attention(frame))
    return x


def _upsample(upsample: nn.Module, frames: list[Tensor]) -> Tensor:
    return upsample.conv(F.interpolate(frames.pop(), scale_factor=2.0, mode="nearest"))


def _block(block: nn.Module, frames: list[Tensor]) -> Tensor:
    x = frames.pop()
    if block.in_channels == block.out_channels:
        kept, h = x, frame_norm_silu(block.norm1, x, out=torch.empty_like(x))
    else:
        kept, h = block.nin_shortcut(x), frame_norm_silu(block.norm1, x, out=x)
    del x
    h = block.conv1(h)
    h = block.conv2(frame_norm_silu(block.norm2, h, out=h))
    return h.add_(kept)


def _exit(decoder: nn.Module, frames: list[Tensor]) -> Tensor:
    x = frames.pop()
    return decoder.conv_out(frame_norm_silu(decoder.norm_out, x, out=x), skip_video=True)


_WHOLE: dict[Kind, Callable[[nn.Module, list[Tensor]], Tensor]] = {
    Kind.CONV: _conv,
    Kind.ATTENTION: _attention,
    Kind.UPSAMPLE: _upsample,
    Kind.BLOCK: _block,
    Kind.EXIT: _exit,
}
