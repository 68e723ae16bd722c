"""Which size a film's clips are trained at: of about as many pixels as asked for, in its shape."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

STEPS = (64, 32, 16, 8)
WIDEST = 3.0  # width to height, or height to width
SCALES = (1.0, 0.75, 0.5)  # of the sides, for films that are smaller than what is asked for


class Size(NamedTuple):
    width: int
    height: int


def step_of(width: int, height: int) -> int:
    """The largest of 64, 32, 16 and 8 that divides both sides; 8 where none does.

    The UNet halves its latents, an eighth of the frame, three times: 64 leaves no rest.
    """
    return next((step for step in STEPS if not width % step and not height % step), STEPS[-1])


def buckets(width: int, height: int, step: int) -> tuple[Size, ...]:
    """Every size on the grid of `step` that has about the pixels of `width` x `height`.

    Never more of them, so that all need the memory that was asked for. After the buckets of
    aspect ratio of NovelAI (2022). At most three times as wide as high, or as high as wide.
    """
    pixels = width * height
    sizes = []
    for wide in range(step, math.isqrt(round(pixels * WIDEST)) + 1, step):
        high = pixels // wide // step * step
        if high and max(wide / high, high / wide) <= WIDEST:
            sizes.append(Size(wide, high))
    return tuple(sizes)


def ladder(width: int, height: int) -> Iterator[tuple[Size, ...]]:
    """The buckets of `width` x `height`, then those of 3/4 and of 1/2 of the sides.

    Each on the coarsest grid that its own size is on.
    """
    for scale in SCALES:
        wide, high = (max(STEPS[-1], round(side * scale / 8) * 8) for side in (width, height))
        yield buckets(wide, high, step_of(wide, high))


def size_for(source: Size, width: int, height: int) -> Size:
    """The bucket whose shape is nearest to the film's, and that it need not be enlarged for.

    Of the largest buckets in the `ladder` that have one. Only a film that is smaller than all of
    them is enlarged. Raises ValueError where there is no bucket.
    """
    choice: tuple[Size, ...] = ()
    for of_scale in ladder(width, height):
        choice = of_scale or choice
        fitting = [b for b in choice if b.width <= source.width and b.height <= source.height]
        if fitting:
            return _nearest(source, fitting)
    if not choice:
        raise ValueError(f"{width}x{height} holds no size whose sides are on its grid: enlarge it.")
    return _nearest(source, choice)


def _nearest(source: Size, choice: tuple[Size, ...] | list[Size]) -> Size:
    shape = math.log(source.width / source.height)
    return min(choice, key=lambda b: (abs(math.log(b.width / b.height) - shape), -b.width))
