"""Which frame of a film comes from where, in exact fractions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import floor

from ..stream import Clip

FACTORS = range(1, 65)
SPEEDS = Fraction(1, 20), Fraction(4)
ONE = Fraction(1)


class LastFrame(Enum):
    """What comes after the last frame, which has no next one to go over into."""

    HOLD = "hold"  # it stays, so that the film is as long as before
    SHORTER = "shorter"  # nothing: the film ends with it


@dataclass(frozen=True)
class Moment:
    """Frame `index` at t 0, and on the way to the next one at `t` up to, not including, 1."""

    index: int
    t: Fraction


@dataclass(frozen=True)
class Retiming:
    """`count` frames at `rate`, `step` frames of the film apart, of a film of `length` frames.

    `speed` is that of what is seen: 0.5 is half as fast, and twice as long.
    """

    length: int
    count: int
    step: Fraction
    rate: Fraction | None
    speed: Fraction
    loop: bool

    def moment(self, number: int) -> Moment:
        """Where frame `number` is. In a loop the last frame's next one is the first."""
        place = number * self.step
        index = floor(place)
        if not self.loop and index >= self.length - 1:
            return Moment(self.length - 1, Fraction(0))
        return Moment(index, place - index)

    def moments(self, start: int = 0) -> Iterator[Moment]:
        return map(self.moment, range(start, self.count))

    @property
    def drawn(self) -> int:
        """How many frames are between two frames of the film."""
        return sum(1 for moment in self.moments() if moment.t)


@dataclass(frozen=True)
class Timing:
    """What is asked for.

    `rate`: frames per second of the result, or None for `factor` times those of the film.
    `seconds`: how long the result is to be, the whole film spread over it; None for its own length
    at `speed`. `source_rate`: frames per second of the film, where it does not know or is wrong.
    Raises ValueError for numbers out of range, and for `seconds` together with a `speed`.
    """

    factor: int = 2
    rate: Fraction | None = None
    seconds: Fraction | None = None
    speed: Fraction = ONE
    last: LastFrame = LastFrame.HOLD
    loop: bool = False
    source_rate: Fraction | None = None

    def __post_init__(self) -> None:
        if self.factor not in FACTORS:
            raise ValueError(
                f"The factor is {self.factor}: expected {FACTORS[0]} to {FACTORS[-1]}."
            )
        slowest, fastest = SPEEDS
        if not slowest <= self.speed <= fastest:
            raise ValueError(
                f"The speed is {float(self.speed):g}: expected {float(slowest):g} to "
                f"{float(fastest):g}, where 1 leaves the film as fast as it is."
            )
        if self.seconds is not None and self.seconds <= 0:
            raise ValueError(
                f"The film is to last {float(self.seconds):g} s: expected more than 0."
            )
        if self.seconds is not None and self.speed != 1:
            raise ValueError("Both seconds and speed were given: leave seconds at 0 or speed at 1.")

    def plan(self, clip: Clip) -> Retiming:
        """Where each frame comes from. Raises ValueError where that needs a rate nobody knows."""
        source = self.source_rate or clip.rate
        rate = self.rate or (source * self.factor if source else None)
        if self.seconds is not None:
            return self._spread(clip.count, _known(rate), source)
        if self.rate is None:
            step = self.speed / self.factor
        else:
            step = _known(source) * self.speed / self.rate
        count = _count(clip.count, step, self.last, self.loop)
        if self.loop:  # a whole number of steps, or the seam would be a jump
            step = Fraction(clip.count, count)
        return Retiming(clip.count, count, step, rate, self.speed, self.loop)

    def _spread(self, length: int, rate: Fraction, source: Fraction | None) -> Retiming:
        """The whole film over the seconds asked for."""
        count = max(round(self.seconds * rate), 1)
        if self.last is LastFrame.SHORTER and not self.loop and count > 1:
            step = Fraction(length - 1, count - 1)  # from the first frame to the last
        else:
            step = Fraction(length, count)
        speed = step * rate / source if source else ONE
        return Retiming(length, count, step, rate, speed, self.loop)


def audio_seconds(plan: Retiming, source_rate: Fraction | None) -> Fraction | None:
    """How much of the film's sound, from its start, goes with the result; silence after its end.

    None where there is no sound to go with it: what runs at another speed would need another
    pitch, and sound is not stretched here. Within half a frame, as loops need, counts as the same.
    """
    if source_rate is None or plan.rate is None:
        return None
    before, after = plan.length / source_rate, plan.length / (plan.step * plan.rate)
    if abs(before - after) * plan.rate > Fraction(1, 2):
        return None
    return plan.count / plan.rate


def _count(length: int, step: Fraction, last: LastFrame, loop: bool) -> int:
    if last is LastFrame.SHORTER and not loop:
        return floor((length - 1) / step) + 1
    return max(floor(length / step + Fraction(1, 2)), 1)


def _known(rate: Fraction | None) -> Fraction:
    if rate is None:
        raise ValueError(
            "The frames do not know how many of them make a second: set source_fps (SVD's own "
            "rate is 7), or choose mode factor without seconds."
        )
    return rate
