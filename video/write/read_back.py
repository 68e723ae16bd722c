"""The frames of a segment that was written without loss."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from .planes import Layout


def frames_in(path: Path, layout: Layout) -> Iterator[Tensor]:
    """The frames (H, W, 3 or 4) float in 0..1 of a film in planes of RGB."""
    with av.open(os.path.abspath(path)) as container:
        for frame in container.decode(video=0):
            yield _rgb(frame, layout)


def _rgb(frame: av.VideoFrame, layout: Layout) -> Tensor:
    kind = np.uint8 if layout.bits == 8 else np.uint16
    channels = []
    for number in layout.order:
        rows = np.frombuffer(frame.planes[number], kind).reshape(frame.height, -1)
        channels.append(rows[:, : frame.width].astype(np.float32))
    return torch.from_numpy(np.stack(channels, axis=-1) / np.float32(2**layout.bits - 1))
