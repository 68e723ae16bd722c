"""RGB to the YCbCr that an H.264 film stores: BT.709 matrix, limited range, 4:2:0."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

# ITU-R BT.709-6, items 3.2 to 3.4.
RED, BLUE = 0.2126, 0.0722
LUMA = (RED, 1 - RED - BLUE, BLUE)
CB = tuple((float(i == 2) - LUMA[i]) / (2 * (1 - BLUE)) for i in range(3))
CR = tuple((float(i == 0) - LUMA[i]) / (2 * (1 - RED)) for i in range(3))

BLACK, LUMA_SPAN = 16, 219
NEUTRAL, CHROMA_SPAN = 128, 224


def bt709_planes(frame: Tensor) -> np.ndarray:
    """The three planes of one frame, one under the other as PyAV wants `yuv420p`.

    `frame` (H, W, 3) float, clamped to 0..1, on any device -> (H' * 3 / 2, W') uint8, where H' and
    W' are H and W made even by repeating the last row or column. The floats are rounded to 8 bits
    once, here; a detour over 8-bit RGB would round them twice.
    """
    rgb = _even(frame.detach().float().clamp(0, 1))
    luma = _weighted(rgb, LUMA) * LUMA_SPAN + BLACK
    small = _halved(rgb)
    chroma = [_weighted(small, weights) * CHROMA_SPAN + NEUTRAL for weights in (CB, CR)]
    planes = torch.cat([plane.flatten() for plane in (luma, *chroma)])
    height, width, _ = rgb.shape
    return planes.round().to(torch.uint8).cpu().numpy().reshape(height * 3 // 2, width)


def _even(rgb: Tensor) -> Tensor:
    height, width, _ = rgb.shape
    if height % 2:
        rgb = torch.cat((rgb, rgb[-1:]), dim=0)
    if width % 2:
        rgb = torch.cat((rgb, rgb[:, -1:]), dim=1)
    return rgb


def _halved(rgb: Tensor) -> Tensor:
    """(H, W, 3) -> (H / 2, W / 2, 3) where H.264 says chroma sits: on the left column of a pair."""
    rows = (rgb[0::2] + rgb[1::2]) / 2
    here, right = rows[:, 0::2], rows[:, 1::2]
    left = torch.cat((here[:, :1], right[:, :-1]), dim=1)
    return left / 4 + here / 2 + right / 4


def _weighted(rgb: Tensor, weights: tuple[float, ...]) -> Tensor:
    return rgb @ torch.tensor(weights, dtype=rgb.dtype, device=rgb.device)
