"""The step that steadies a film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .flow_blend import flow_blended
from .learned import LearnedStabiliser


@dataclass(frozen=True, eq=False)
class Stabilise:
    """Steadies every frame by the three before and after it: with `network`, or by optical flow.

    `strength` 0..1; at 0 the frames pass untouched. Alpha stays as it is. Raises ValueError for
    another strength.
    """

    strength: float = 1.0
    network: LearnedStabiliser | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"The strength is {self.strength:g}: expected 0 to 1.")

    def clip(self, before: Clip) -> Clip:
        return before

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        if self.strength == 0:
            return before.frames(start)
        if self.network is None:
            return flow_blended(before, start, self.strength)
        return self.network.frames(before, start, self.strength)

    def fingerprint(self) -> str:
        weights = None if self.network is None else self.network.weights
        return fingerprint("stabilise", self.strength, weights)

    def describe(self) -> str:
        how = "flow blend" if self.network is None else self.network.name
        return f"stabilise: {how}, strength {self.strength:g}"
