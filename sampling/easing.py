"""How a value gets from one keyframe to the next.

Smooth eases are cubics that never turn back (Fritsch and Carlson 1980), so a piece of one, or one
played backwards, is another: paths can be cut anywhere without changing what is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

# Slopes found by cutting have rounding errors; a cubic that turns back by less is not refused.
SLACK = 1e-6
# A piece that covers less of the way than this is drawn straight: nobody can see its curve, and
# its slopes would be rounding errors divided by each other.
SHORTEST_WAY = 1e-9


@dataclass(frozen=True)
class Slopes:
    """The cubic from 0 to 1 that leaves with slope `start` and arrives with slope `end`.

    Raises ValueError for slopes that are negative, or so steep that the cubic turns back.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (0 <= self.start <= 4 and 0 <= self.end <= 4) or self._slowest() < -SLACK:
            raise ValueError(
                f"An ease with slopes {self.start:g} and {self.end:g} turns back on its way: use "
                "0 to 3 for both; 1 and 1 is a straight line."
            )

    def at(self, t: float) -> float:
        """Progress 0..1 at time 0..1 of the way."""
        a, b, c = self._powers()
        return ((a * t + b) * t + c) * t

    def slope_at(self, t: float) -> float:
        a, b, c = self._powers()
        return (3 * a * t + 2 * b) * t + c

    def part(self, start: float, end: float) -> Slopes:
        """What is left between `start` and `end` of its time, stretched to a whole way."""
        a, b, _ = self._powers()
        length = end - start
        # Taylor around `start`, where a difference of two values would cancel
        way = (a * length + 3 * a * start + b) * length**2 + self.slope_at(start) * length
        if way < SHORTEST_WAY:
            return Slopes(1.0, 1.0)
        slopes = (self.slope_at(t) * length / way for t in (start, end))
        return Slopes(*(min(4.0, max(0.0, slope)) for slope in slopes))

    def backwards(self) -> Slopes:
        return Slopes(self.end, self.start)

    def _powers(self) -> tuple[float, float, float]:
        return self.start + self.end - 2, 3 - 2 * self.start - self.end, self.start

    def _slowest(self) -> float:
        """The smallest slope on the way."""
        a, b, _ = self._powers()
        turn = -b / (3 * a) if a > 0 else math.inf
        return self.slope_at(turn) if 0 < turn < 1 else min(self.start, self.end)


class Ease(str, Enum):
    """How a keyframe is reached from the one before, by name."""

    LINEAR = "linear"
    IN = "ease in"
    OUT = "ease out"
    IN_OUT = "ease in-out"
    JUMP = "jump"
    JUMP_AT_ONCE = "jump at once"

    def at(self, t: float) -> float:
        """Progress 0..1 at time 0..1 of the way; jump waits, jump at once is there at once."""
        if self is Ease.JUMP:
            return float(t >= 1)
        if self is Ease.JUMP_AT_ONCE:
            return float(t > 0)
        return SLOPES[self].at(t)

    def part(self, start: float, end: float) -> Ease | Slopes:
        """What is left between `start` and `end` of its time, stretched to a whole way."""
        if self in (Ease.LINEAR, Ease.JUMP, Ease.JUMP_AT_ONCE) or (start, end) == (0, 1):
            return self
        return named(SLOPES[self].part(start, end))

    def backwards(self) -> Ease:
        return BACKWARDS.get(self, self)


SLOPES = {
    Ease.LINEAR: Slopes(1.0, 1.0),
    Ease.IN: Slopes(0.0, 2.0),
    Ease.OUT: Slopes(2.0, 0.0),
    Ease.IN_OUT: Slopes(0.0, 0.0),
}
BACKWARDS = {
    Ease.IN: Ease.OUT,
    Ease.OUT: Ease.IN,
    Ease.JUMP: Ease.JUMP_AT_ONCE,
    Ease.JUMP_AT_ONCE: Ease.JUMP,
}


def named(slopes: Slopes) -> Ease | Slopes:
    """The ease of that name where these slopes have one."""
    return next((ease for ease, known in SLOPES.items() if known == slopes), slopes)
