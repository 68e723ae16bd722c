"""Stabilising with a network that sees a few frames on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..stream import FrameStream
from ..window import windows
from .tiles import Span, Tiling, tiles


def _on_the_cpu() -> torch.device:
    return torch.device("cpu")


@dataclass(frozen=True, eq=False)
class LearnedStabiliser:
    """`network` takes 2 * radius + 1 frames (1, 3, H, W), one after the other in a tuple, and
    gives the middle one back steadier.

    `name` is for reports, and `weights` the fingerprint of its file. `ready` is called before
    every frame: it sees to it that the network is on a device, and says on which.
    """

    network: Callable[[tuple[Tensor, ...]], Tensor]
    name: str
    weights: str
    tiling: Tiling
    radius: int = 3
    ready: Callable[[], torch.device] = _on_the_cpu

    def frames(self, before: FrameStream, start: int, strength: float) -> Iterator[Tensor]:
        """The frames from number `start` on, mixed with the steadied ones by `strength`."""
        for window in windows(before, start, self.radius, lambda frame: frame):
            around = window.mirrored(self.radius)
            yield self._steadied(window.frame, around, self.ready(), strength)
            del window, around  # or the oldest frame would stay until the next one is there

    @torch.no_grad()
    def _steadied(
        self, frame: Tensor, around: tuple[Tensor, ...], device: torch.device, strength: float
    ) -> Tensor:
        result = frame.clone()
        for rows, columns in tiles(*frame.shape[:2], self.tiling):
            seen = tuple(_cut(neighbour, rows, columns, device) for neighbour in around)
            steadied = self.network(seen)[0, :, rows.inside, columns.inside].movedim(0, -1)
            kept = result[rows.kept, columns.kept, :3]
            kept += strength * (steadied.clamp(0, 1).to(kept) - kept)
        return result


def _cut(frame: Tensor, rows: Span, columns: Span, device: torch.device) -> Tensor:
    """A tile (1, 3, h, w) of a frame (H, W, C), its last row and column repeated where it ends."""
    tile = frame[rows.seen, columns.seen, :3].movedim(-1, 0)[None].to(device, torch.float32)
    if rows.padding or columns.padding:
        return F.pad(tile, (0, columns.padding, 0, rows.padding), mode="replicate")
    return tile
