"""The wire SVD_FRAMES: frames that are pulled, and nodes that take them or IMAGE alike."""

from __future__ import annotations

from fractions import Fraction

import torch
from comfy_api.latest import io

from ..video.sources.images import ImageBatch
from ..video.stream import FrameStream

Frames = io.Custom("SVD_FRAMES")


def frames_input(tooltip: str) -> io.Input:
    """A socket for SVD_FRAMES or IMAGE; `as_stream` makes one of the other."""
    return io.MultiType.Input("frames", [Frames, io.Image], tooltip=tooltip)


def as_stream(frames: FrameStream | torch.Tensor, rate: Fraction | None = None) -> FrameStream:
    """The stream itself, or the frames of an IMAGE batch, which are not copied."""
    return frames if isinstance(frames, FrameStream) else FrameStream(ImageBatch(frames, rate))
