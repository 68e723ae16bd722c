"""The small unrest of a camera held by hand."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

# Cycles as multiples of the slowest, incommensurate so that the unrest never repeats, and their
# strengths, falling as 1 / frequency: slow sway, breath, and a little tremor.
WAVES = ((1.0, 0.6), (2.27, 0.3), (4.61, 0.1))


@dataclass(frozen=True)
class Shake:
    """`degrees` is how far the view strays in pan and tilt; it rolls half as far.

    `cycles`: sways a clip. The same `seed` always gives the same unrest.
    """

    degrees: float
    cycles: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.degrees <= 45 and 0 < self.cycles <= 100):
            raise ValueError(
                f"Shake of {self.degrees:g} degrees, {self.cycles:g} cycles: use 0 to 45 degrees "
                "and up to 100 cycles a clip."
            )

    def at(self, time: float) -> tuple[float, float, float]:
        """Pan, tilt and roll in degrees at `time` 0..1; all 0 at time 0."""
        draw = random.Random(self.seed)
        values = []
        for reach in (1.0, 1.0, 0.5):
            phases = [draw.uniform(0, 2 * math.pi) for _ in WAVES]
            now, first = (self._sway(t, phases) for t in (time, 0.0))
            values.append(self.degrees * reach * (now - first))
        return values[0], values[1], values[2]

    def scaled(self, factor: float) -> Shake:
        return replace(self, degrees=self.degrees * factor)

    def _sway(self, time: float, phases: list[float]) -> float:
        return sum(
            strength * math.sin(2 * math.pi * self.cycles * multiple * time + phase)
            for (multiple, strength), phase in zip(WAVES, phases, strict=True)
        )
