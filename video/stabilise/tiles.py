"""Frames cut into tiles that overlap, so that a network needs a bounded amount of memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Tiling:
    """What a network needs: `pixels` it may be given at once, `margin` pixels around what is kept,
    and sides that are a `multiple` of so many pixels."""

    pixels: int
    margin: int
    multiple: int


@dataclass(frozen=True)
class Span:
    """Along one side: `kept` of the frame, out of `seen` of it, padded by `padding` at its end."""

    kept: slice
    seen: slice
    padding: int

    @property
    def length(self) -> int:
        return self.seen.stop - self.seen.start + self.padding

    @property
    def inside(self) -> slice:
        """`kept`, counted from where `seen` begins."""
        return slice(self.kept.start - self.seen.start, self.kept.stop - self.seen.start)


def tiles(height: int, width: int, tiling: Tiling) -> list[tuple[Span, Span]]:
    """Rows and columns of every tile. The kept parts cover a frame of this size exactly once.

    Of all grids with tiles of at most `tiling.pixels` the one with the fewest pixels in all, or
    the one with the smallest tiles where even those are larger. It depends on nothing else, so it
    is the same for every frame.
    """
    grids = list(product(_cuts(height, tiling), _cuts(width, tiling)))
    small = [grid for grid in grids if _largest(grid) <= tiling.pixels]
    rows, columns = min(small, key=_in_all) if small else min(grids, key=_largest)
    return list(product(rows, columns))


def _largest(grid: tuple[list[Span], list[Span]]) -> int:
    rows, columns = (max(span.length for span in spans) for spans in grid)
    return rows * columns


def _in_all(grid: tuple[list[Span], list[Span]]) -> int:
    rows, columns = (sum(span.length for span in spans) for spans in grid)
    return rows * columns


def _cuts(length: int, tiling: Tiling) -> Iterator[list[Span]]:
    """A side in one piece, in two, and so on, as long as more pieces are smaller ones."""
    whole = _up(length, tiling.multiple)
    step = 0
    for pieces in range(1, whole // tiling.multiple + 1):
        before, step = step, _up(-(-whole // pieces), tiling.multiple)
        if step == before:
            continue
        yield [_span(at, step, length, tiling) for at in range(0, length, step)]
        if step <= tiling.margin:
            return


def _span(at: int, step: int, length: int, tiling: Tiling) -> Span:
    end = min(at + step, length)
    start = max(0, at - _up(tiling.margin, tiling.multiple))
    stop = min(end + tiling.margin, length)
    seen = slice(start, stop)
    return Span(slice(at, end), seen, _up(stop - start, tiling.multiple) - (stop - start))


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
