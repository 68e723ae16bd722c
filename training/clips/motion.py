"""How fast a clip's picture moves, as SVD is told it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from torch import Tensor

from ...drawing import opencv as cv2
from ...sampling.motion import motion_bucket_of
from ...video.motion_metrics import optical_flow

LOOKED_AT = 256  # pixels of width, at most


def motion_bucket(frames: Tensor, fps: float) -> int:
    """Bucket 0..255 of frames (T, H, W, 3) in 0..1 that play at `fps`."""
    return motion_bucket_of(mean_flow(frames), fps)


def mean_flow(frames: Tensor) -> float:
    """How many frame widths a pixel moves from frame to frame, on average; 0 for one frame."""
    greys = [_grey(frame) for frame in frames]
    lengths = [np.linalg.norm(optical_flow(a, b), axis=-1).mean() for a, b in pairwise(greys)]
    return float(np.mean(lengths)) / greys[0].shape[1] if lengths else 0.0


def _grey(frame: Tensor) -> np.ndarray:
    pixels = frame.clamp(0, 1).float().cpu().numpy()
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    if width > LOOKED_AT:
        size = LOOKED_AT, max(1, round(height * LOOKED_AT / width))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return (grey * 255).round().astype(np.uint8)
