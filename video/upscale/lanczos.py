"""Lanczos resampling with three lobes, antialiased when reducing, on any device.

Each output pixel is centred as in an image whose pixels are squares (no aligned corners). Bands of
rows, then of columns, are multiplied with small dense matrices, which is as fast as torch's
antialiased bicubic and of the same quality everywhere (C. E. Duchon, Lanczos filtering, 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

LOBES = 3
BAND = 32


@dataclass(frozen=True, eq=False)
class Band:
    """Outputs `to` are `weights` (outputs, inputs) times the inputs `of`."""

    to: slice
    of: slice
    weights: Tensor


def resample(pictures: Tensor, width: int, height: int) -> Tensor:
    """Pictures (..., H, W) in another size; the filter overshoots at edges, so clamp.

    Nothing is copied where the size is that already.
    """
    if pictures.shape[-2] != height:
        rows = pictures.new_empty((*pictures.shape[:-2], height, pictures.shape[-1]))
        for band in _bands(pictures.shape[-2], height, pictures.device):
            rows[..., band.to, :] = band.weights @ pictures[..., band.of, :]
        pictures = rows
    if pictures.shape[-1] != width:
        columns = pictures.new_empty((*pictures.shape[:-1], width))
        for band in _bands(pictures.shape[-1], width, pictures.device):
            columns[..., band.to] = pictures[..., band.of] @ band.weights.T
        pictures = columns
    return pictures


@lru_cache(maxsize=16)
def _bands(before: int, after: int, device: torch.device) -> tuple[Band, ...]:
    step = before / after
    stretch = max(step, 1.0)  # the filter grows when reducing: that is the antialiasing
    bands = []
    for first in range(0, after, BAND):
        last = min(first + BAND, after)
        centres = (torch.arange(first, last, dtype=torch.float64) + 0.5) * step - 0.5
        low = max(0, math.floor(centres[0].item() - LOBES * stretch))
        high = min(before, math.ceil(centres[-1].item() + LOBES * stretch) + 1)
        away = (torch.arange(low, high) - centres[:, None]) / stretch
        weights = torch.sinc(away) * torch.sinc(away / LOBES) * (away.abs() < LOBES)
        weights = (weights / weights.sum(1, keepdim=True)).float().to(device)
        bands.append(Band(slice(first, last), slice(low, high), weights))
    return tuple(bands)
