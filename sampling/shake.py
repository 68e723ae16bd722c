"""The small unrest of a camera held by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

# Cycles as multiples of the slowest, incommensurate so that the unrest never repeats, and their
# strengths, falling as 1 / frequency: slow sway, breath, and a little tremor.
WAVES = ((1.0, 0.6), (2.27, 0.3), (4.61, 0.1))
REACH = (1.0, 1.0, 0.5)  # of pan, tilt and roll
LARGEST_SEED = 2**32 - 1

WHOLE = (0.0, 1.0)
SHORTEST = 1e-9  # of the clip: a shorter piece shakes nothing


@dataclass(frozen=True)
class Shake:
    """`degrees` is how far the view strays in pan and tilt; it rolls half as far.

    `cycles`: slow sways in the whole of it. The same `seed` always gives the same unrest, in
    JavaScript too. `closed` rounds every wave to whole cycles, so that it ends where it began.
    It is played while the clip goes through `during`, from `part[0]` to `part[1]` of its course
    (backwards when that is less), and rests before and after.
    """

    degrees: float
    cycles: float = 2.0
    seed: int = 0
    closed: bool = False
    during: tuple[float, float] = WHOLE
    part: tuple[float, float] = WHOLE

    def __post_init__(self) -> None:
        if not (0 <= self.degrees <= 45 and 0 < self.cycles <= 100):
            raise ValueError(
                f"Shake of {self.degrees:g} degrees, {self.cycles:g} cycles: use 0 to 45 degrees "
                "and up to 100 cycles a clip."
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"The shake's seed is {self.seed}: use 0 to {LARGEST_SEED}.")
        begin, end = self.during
        if not (0 <= begin < end <= 1 and all(0 <= place <= 1 for place in self.part)):
            raise ValueError(
                f"The shake is played during {begin:g} to {end:g} of the clip, from "
                f"{self.part[0]:g} to {self.part[1]:g} of its course: use 0 to 1, and an end "
                "after the beginning."
            )

    def at(self, time: float) -> tuple[float, float, float]:
        """Pan, tilt and roll in degrees at `time` 0..1; all 0 at time 0."""
        now, first = self._place(time), self._place(0.0)
        pan, tilt, roll = (
            self.degrees * reach * (self._sway(now, turns) - self._sway(first, turns))
            for reach, turns in zip(REACH, starting_turns(self.seed), strict=True)
        )
        return pan, tilt, roll

    def scaled(self, factor: float) -> Shake:
        return replace(self, degrees=self.degrees * factor)

    def backwards(self) -> Shake:
        begin, end = self.during
        return replace(self, during=(1 - end, 1 - begin), part=self.part[::-1])

    def placed(self, begin: float, end: float) -> Shake:
        """Squeezed from the whole clip into `begin`..`end` of it."""
        length = end - begin
        during = tuple(min(1.0, begin + length * time) for time in self.during)
        return replace(self, during=during)

    def cut(self, start: float, end: float) -> Shake | None:
        """What happens during `start`..`end` of the clip, stretched over a whole one."""
        first, last = max(start, self.during[0]), min(end, self.during[1])
        if last - first < SHORTEST:
            return None
        during = tuple(min(1.0, (time - start) / (end - start)) for time in (first, last))
        return replace(self, during=during, part=(self._place(first), self._place(last)))

    def _place(self, time: float) -> float:
        """Where in its course the shake is."""
        (begin, end), (first, last) = self.during, self.part
        share = min(1.0, max(0.0, (time - begin) / (end - begin)))
        return min(1.0, max(0.0, first + (last - first) * share))

    def _sway(self, place: float, turns: tuple[float, ...]) -> float:
        total = 0.0
        for (multiple, strength), turn in zip(WAVES, turns, strict=True):
            cycles = self.cycles * multiple
            if self.closed:
                cycles = max(1, math.floor(cycles + 0.5))
            total += strength * math.sin(2 * math.pi * (cycles * place + turn))
        return total


@lru_cache(maxsize=64)
def starting_turns(seed: int) -> tuple[tuple[float, ...], ...]:
    """Where in its cycle (0..1) each wave of pan, tilt and roll begins."""
    waves = len(WAVES)
    return tuple(
        tuple(draw(seed, axis * waves + wave) for wave in range(waves))
        for axis in range(len(REACH))
    )


def draw(seed: int, index: int) -> float:
    """The `index`-th number in 0..1 of `seed`: SplitMix32.

    The finaliser of MurmurHash3 on seed + (index + 1) * 2^32 / golden ratio, over 2^32. 32-bit
    integers only, so that JavaScript gets the same with Math.imul and >>> 0.
    """
    bits = (seed + (index + 1) * 0x9E3779B9) & 0xFFFFFFFF
    bits = ((bits ^ bits >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    bits = ((bits ^ bits >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return (bits ^ bits >> 16) / 2**32
