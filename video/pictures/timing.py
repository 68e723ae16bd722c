"""When frames start, for formats that count whole parts of a second."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Timing:
    """Frames at `rate` per second, told in whole ticks; errors of rounding do not add up."""

    rate: Fraction
    ticks_per_second: int

    @property
    def tick(self) -> Fraction:
        """In seconds."""
        return Fraction(1, self.ticks_per_second)

    def start(self, frame: int) -> int:
        """The tick nearest to the start of `frame`, counted from 0."""
        return round(frame * self.ticks_per_second / self.rate)

    def length(self, frame: int) -> int:
        """Of `frame`, in ticks."""
        return self.start(frame + 1) - self.start(frame)
