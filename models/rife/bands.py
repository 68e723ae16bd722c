"""Parts of large pictures, a band of rows at a time, as the whole would give them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

PIXELS = 2**20  # of a band, about


def bands(height: int, width: int, unit: int) -> Iterator[tuple[int, int]]:
    """First row and row after the last of bands whose heights are multiples of `unit`."""
    rows = max(PIXELS // (width * unit), 1) * unit
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def padded(picture: Tensor, top: int, bottom: int, width: int) -> Tensor:
    """Rows of `picture` (1, C, h, w) as if its edge went on to the right and below."""
    height = picture.shape[-2]
    inside = picture[:, :, min(top, height - 1) : min(bottom, height)]
    below = bottom - top - inside.shape[-2]
    return F.pad(inside, (0, width - picture.shape[-1], 0, below), mode="replicate")


def smaller(picture: Tensor, by: int) -> Tensor:
    """`picture` resized to 1 / `by` of its size, bilinearly and without smoothing."""
    if by == 1:
        return picture
    return F.interpolate(picture, scale_factor=1 / by, mode="bilinear")


def larger(picture: Tensor, by: int, top: int, bottom: int) -> Tensor:
    """Rows `top` to `bottom` of `picture` enlarged bilinearly; both are multiples of `by`."""
    first, last = top // by, bottom // by
    above = min(first, 1)  # the row next to a band is seen from within it
    rows = picture[:, :, first - above : last + 1].float()
    if by == 1:
        return rows[:, :, above : above + last - first]
    enlarged = F.interpolate(rows, scale_factor=by, mode="bilinear")
    return enlarged[:, :, above * by : above * by + bottom - top]


def warped(source: Tensor, flow: Tensor, top: int = 0) -> Tensor:
    """`source` (1, C, h, w) seen along `flow` (1, 2, rows, columns), in pixels, from row `top` on.

    What is looked for outside is found at the edge.
    """
    height, width = source.shape[-2:]
    rows, columns = flow.shape[-2:]
    x = torch.arange(columns, device=flow.device, dtype=flow.dtype)
    y = torch.arange(top, top + rows, device=flow.device, dtype=flow.dtype)
    across = (flow[:, 0] + x).mul_(2 / max(width - 1, 1)).sub_(1)
    down = (flow[:, 1] + y[:, None]).mul_(2 / max(height - 1, 1)).sub_(1)
    grid = torch.stack((across, down), dim=-1)
    return F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=True)
