"""Frame rates as exact fractions: 23.976 on a widget means 24000/1001 in a file."""

from __future__ import annotations

import math
from fractions import Fraction

HIGHEST_RATE = 1000.0

# SMPTE's drop-frame family: a whole rate slowed down by 1000/1001.
SLOWED_RATES = tuple(Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60, 96, 120, 240))
# 23.976 and 23.98 are both in use for 23.97602...; the other names are nearer to their rates.
NAME_TOLERANCE = 0.005
LARGEST_DENOMINATOR = 1001


def exact_rate(fps: float) -> Fraction:
    """The frame rate that `fps` (frames per second) is a rounded name of.

    Whole numbers stay whole, the names of the 1000/1001 family become that family, and anything
    else the nearest fraction with a denominator up to 1001. Raises `ValueError` outside
    0 < fps <= 1000, or where no such fraction is above zero.
    """
    if not (math.isfinite(fps) and 0 < fps <= HIGHEST_RATE):
        raise ValueError(
            f"expected a frame rate above 0 and up to {HIGHEST_RATE:g} frames per second, "
            f"got {fps}: set a rate such as 24"
        )
    exact = Fraction(fps)
    if exact.denominator == 1:
        return exact
    nearest = min(SLOWED_RATES, key=lambda slowed: abs(slowed - exact))
    if abs(nearest - exact) < NAME_TOLERANCE:
        return nearest
    rate = exact.limit_denominator(LARGEST_DENOMINATOR)
    if rate == 0:
        raise ValueError(
            f"expected a frame rate of at least 1/{LARGEST_DENOMINATOR} frames per second, "
            f"got {fps}: set a rate such as 24"
        )
    return rate
