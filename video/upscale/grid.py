"""Where the tiles of a frame lie: one grid for all frames, as a moving one would crawl."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

from .network import Network

# Where a network looks too far for exact tiles: what tiles share on each side of a seam, and how
# wide they fade into each other there; what lies further out is thrown away. For Real-ESRGAN
# x4plus, tiles that share 32 pixels on each side are 0.6 of an 8-bit code from the whole frame at
# the seam, with 16 it is 1.9, with 48 it is 0.2.
MARGIN = 32
FADE = 16
# Between two seams lie so many pixels at least, and on one side of a frame so many tiles at most:
# more would be nothing but margins.
LEAST_CORE = 16
MOST = 64


@dataclass(frozen=True)
class Piece:
    """A tile's `core`, from one seam to the next, and where its window starts; in pixels."""

    start: int
    core: tuple[int, int]


@dataclass(frozen=True)
class Axis:
    """One side of the grid: a frame's side, made `padded` long, in windows of one size."""

    length: int
    padded: int
    window: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Grid:
    """Tiles of one size over a frame; across a seam they fade into each other over 2 * `fade`."""

    rows: Axis
    columns: Axis
    fade: int

    @property
    def tile_pixels(self) -> int:
        return self.rows.window * self.columns.window

    @property
    def longest_side(self) -> int:
        return max(self.rows.window, self.columns.window)

    @property
    def tiles(self) -> int:
        return len(self.rows.pieces) * len(self.columns.pieces)

    @property
    def work(self) -> int:
        """Pixels that the network sees."""
        return self.tile_pixels * self.tiles

    def describe(self) -> str:
        size = f"{self.columns.window}x{self.rows.window}"
        return "whole frames" if self.tiles == 1 else f"{self.tiles} tiles of {size}"


def plan_grid(
    height: int, width: int, network: Network, most_pixels: float, longest_side: int = 0
) -> Grid | None:
    """The grid with the least work whose tiles have `most_pixels` pixels at most.

    With `longest_side`, no side of a tile is longer than that, or than the network needs. None
    where no tile has so few pixels.
    """
    within = [g for g in _grids(height, width, network) if g.tile_pixels <= most_pixels]
    if longest_side and within:
        shortest = min(grid.longest_side for grid in within)
        within = [g for g in within if g.longest_side <= max(longest_side, shortest)]
    return min(within, key=lambda grid: (grid.work, grid.tiles), default=None)


def smallest_tile(height: int, width: int, network: Network) -> int:
    """Pixels of the smallest tile there is for such a frame."""
    return min(grid.tile_pixels for grid in _grids(height, width, network))


def _grids(height: int, width: int, network: Network) -> Iterator[Grid]:
    margin = MARGIN if network.reach is None else network.reach
    fade = FADE if network.reach is None else 0
    least = max(margin, network.multiple_of, LEAST_CORE)
    counts = [range(1, min(max(1, side // least), MOST) + 1) for side in (height, width)]
    rows, columns = (
        [_axis(side, count, network, margin) for count in numbers]
        for side, numbers in zip((height, width), counts, strict=True)
    )
    for row, column in product(rows, columns):
        if network.square and row.window != column.window:
            side = max(row.window, column.window)
            row = _axis(height, len(row.pieces), network, margin, side)
            column = _axis(width, len(column.pieces), network, margin, side)
        if not network.square or row.window == column.window:
            yield Grid(row, column, fade)


def _axis(length: int, count: int, network: Network, margin: int, window: int = 0) -> Axis:
    """`count` equal windows, of `window` pixels at least, whose cores are balanced.

    All starts are multiples of what the network wants, so that its own raster lies in every tile
    as in the whole frame.
    """
    unit = network.multiple_of
    least = math.ceil(max(network.minimum, window, 1) / unit)
    whole = max(math.ceil(length / unit), least)
    around = math.ceil(margin / unit)
    seams = [math.ceil(length / unit) * n // count for n in range(count)] + [whole]
    needed = (min(whole, end + around) - max(0, begin - around) for begin, end in pairwise(seams))
    size = max(least, *needed, 0)
    pieces = tuple(
        Piece(
            max(0, min(begin - around, whole - size)) * unit,
            (begin * unit, min(end * unit, length)),
        )
        for begin, end in pairwise(seams)
    )
    return Axis(length, whole * unit, size * unit, pieces)
