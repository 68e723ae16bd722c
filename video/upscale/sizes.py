"""The exact size of a film, and the way there: cuts, runs of the network, a last resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

# A run more costs scale squared times what the runs before did: not for a gain below this.
WORTH_A_RUN = 1.5
# Pixels kept around what a crop leaves, so that its edges are made of what was there.
AROUND_CROP = 16


class Target(Enum):
    OWN = "network's own"
    X2 = "2x"
    X4 = "4x"
    HD = "1080p"
    QHD = "1440p"
    UHD = "UHD 3840x2160"
    DCI = "DCI 4096x2160"
    CUSTOM = "custom"


class Rule(Enum):
    """What happens where the frames' proportions are not the target's."""

    CROP = "crop"
    PAD = "pad"
    FIT = "fit"
    STRETCH = "stretch"


BOXES = {
    Target.HD: (1920, 1080),
    Target.QHD: (2560, 1440),
    Target.UHD: (3840, 2160),
    Target.DCI: (4096, 2160),
}


@dataclass(frozen=True)
class SizePlan:
    """From a frame to its size; all pairs are (width, height) in pixels.

    `source_size` of the frame from `source_at` (left, top) on is used. The network gets pictures of
    the sizes `inputs`, one after the other. What comes out becomes `picture`, which lies in a frame
    of `size` from `picture_at` on; where that is negative, edges are cut off.
    """

    size: tuple[int, int]
    source_at: tuple[int, int]
    source_size: tuple[int, int]
    inputs: tuple[tuple[int, int], ...]
    picture: tuple[int, int]
    picture_at: tuple[int, int]


def plan_size(
    frame: tuple[int, int],
    target: Target,
    rule: Rule,
    custom: tuple[int, int] = (0, 0),
    scale: int = 0,
) -> SizePlan:
    """The way of a `frame` (width, height) to `target` with a network of `scale`, or 0 for none.

    1080p, 1440p, UHD and DCI are turned for upright frames. A side of `custom` that is 0 follows
    from the other. The network runs again while its result is much too small, and not at all where
    the target is smaller than the frame; before a further run the picture is reduced to what that
    run needs. Raises ValueError for a custom size without sides.
    """
    if target in (Target.OWN, Target.X2, Target.X4):
        factor = {Target.OWN: max(scale, 1), Target.X2: 2, Target.X4: 4}[target]
        size = picture = (frame[0] * factor, frame[1] * factor)
        source_size = frame
    else:
        box = _box(frame, target, custom)
        size, source_size, picture = _framed(frame, box, rule)
    return SizePlan(
        size,
        tuple((a - b) // 2 for a, b in zip(frame, source_size, strict=True)),
        source_size,
        _inputs(source_size, picture, scale),
        picture,
        tuple((a - b) // 2 if a > b else -((b - a) // 2) for a, b in _pairs(size, picture)),
    )


def _box(frame: tuple[int, int], target: Target, custom: tuple[int, int]) -> tuple[int, int]:
    width, height = frame
    if target is not Target.CUSTOM:
        box = BOXES[target]
        return box if width >= height else (box[1], box[0])
    if max(custom) < 1 or min(custom) < 0:
        raise ValueError(
            f"The custom size is {custom[0]}x{custom[1]}: give a width, a height, or both."
        )
    if not custom[0]:
        return _even(width * custom[1] / height), custom[1]
    if not custom[1]:
        return custom[0], _even(height * custom[0] / width)
    return custom


def _framed(
    frame: tuple[int, int], box: tuple[int, int], rule: Rule
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """The size of frames, the part of the frame that is used, and the size that this becomes."""
    factors = [b / f for b, f in _pairs(box, frame)]
    if rule is Rule.STRETCH:
        return box, frame, box
    if rule is Rule.CROP:
        factor = max(factors)
        source = tuple(_cut(f, math.ceil(b / factor)) for f, b in _pairs(frame, box))
        return box, source, tuple(max(b, round(s * factor)) for b, s in _pairs(box, source))
    factor = min(factors)
    if rule is Rule.PAD:
        return box, frame, tuple(max(1, min(b, round(f * factor))) for b, f in _pairs(box, frame))
    inside = tuple(_even(f * factor, b) for f, b in _pairs(frame, box))
    return inside, frame, inside


def _cut(side: int, needed: int) -> int:
    """How much of a side is used if its middle is needed; equally much goes on both ends."""
    kept = min(side, needed + 2 * AROUND_CROP)
    return min(side, kept + (side - kept) % 2)


def _even(side: float, most: int | None = None) -> int:
    nearest = 2 * round(side / 2)
    return max(2, nearest if most is None else min(nearest, most // 2 * 2))


def _inputs(
    source: tuple[int, int], picture: tuple[int, int], scale: int
) -> tuple[tuple[int, int], ...]:
    factor = max(p / s for p, s in _pairs(picture, source))
    if scale == 0 or (scale > 1 and factor < 1):
        return ()
    runs = 1
    while scale > 1 and factor / scale**runs > WORTH_A_RUN:
        runs += 1
    later = (min(scale**k, factor / scale ** (runs - k)) for k in range(1, runs))
    return (source, *(tuple(math.ceil(side * grown) for side in source) for grown in later))


def _pairs(first: tuple[int, int], second: tuple[int, int]) -> list[tuple[int, int]]:
    return list(zip(first, second, strict=True))
