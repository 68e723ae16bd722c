"""A network over frames of any size, tile by tile."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .grid import Axis, Grid

Run = Callable[[Tensor], Tensor]


@torch.no_grad()
def upscale_frame(
    frames: Tensor,
    run: Run,
    grid: Grid,
    scale: int,
    between_tiles: Callable[[], None] = lambda: None,
) -> Tensor:
    """Frames (B, 3, H, W), H and W those of `grid`, `scale` times as large, float32.

    Tiles are written straight into the result, the only buffer of its size: their weights add up
    to one everywhere. Beyond the frame, the network sees it mirrored.
    """
    height, width = frames.shape[-2:]
    padded = _pad(frames, grid)
    if grid.tiles == 1:
        between_tiles()
        return run(padded)[..., : height * scale, : width * scale].float()
    result = frames.new_zeros((*frames.shape[:-2], height * scale, width * scale))
    across = _placements(grid.columns, grid.fade, scale, frames.device)
    for window_y, to_y, of_y, weights_y in _placements(grid.rows, grid.fade, scale, frames.device):
        for window_x, to_x, of_x, weights_x in across:
            between_tiles()
            tile = run(padded[..., window_y, window_x])[..., of_y, of_x].float()
            if grid.fade:
                tile = tile * weights_y[:, None] * weights_x
                result[..., to_y, to_x] += tile
            else:
                result[..., to_y, to_x] = tile
    return result


def _pad(frames: Tensor, grid: Grid) -> Tensor:
    """To what the network wants: mirrored as far as there are pixels, then the last one again."""
    height, width = frames.shape[-2:]
    down, right = grid.rows.padded - height, grid.columns.padded - width
    if not (down or right):
        return frames
    mirrored = (0, min(right, width - 1), 0, min(down, height - 1))
    rest = (0, right - mirrored[1], 0, down - mirrored[3])
    return F.pad(F.pad(frames, mirrored, "reflect"), rest, "replicate")


def _placements(
    axis: Axis, fade: int, scale: int, device: torch.device
) -> list[tuple[slice, slice, slice, Tensor]]:
    """For each piece: its window in the frame, its place in the result, which part, weights."""
    edges = [piece.core[0] for piece in axis.pieces] + [axis.length]
    placements = []
    for number, piece in enumerate(axis.pieces):
        low = max(0, piece.core[0] - fade) if number else 0
        high = min(axis.length, piece.core[1] + fade)
        at = torch.arange(low * scale, high * scale, device=device).add(0.5) / scale
        # A difference of rises: it adds up to one, whatever the rises are.
        weights = _rise(at, edges[number], fade if number else 0)
        if number + 1 < len(axis.pieces):
            weights = weights - _rise(at, edges[number + 1], fade)
        placements.append(
            (
                slice(piece.start, piece.start + axis.window),
                slice(low * scale, high * scale),
                slice((low - piece.start) * scale, (high - piece.start) * scale),
                weights,
            )
        )
    return placements


def _rise(at: Tensor, seam: int, fade: int) -> Tensor:
    """From 0 to 1 across a seam, along a cosine."""
    if not fade:
        return (at >= seam).float()
    return 0.5 - 0.5 * torch.cos(math.pi * ((at - seam + fade) / (2 * fade)).clamp(0, 1))
