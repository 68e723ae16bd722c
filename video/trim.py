"""A part of a film, or every second frame of it, with the sound that goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

from torch import Tensor

from .stream import Clip, FrameStream


@dataclass(frozen=True)
class Trim:
    """Frames `first`, `first + nth`, `first + 2 nth`, ..., `count` of them, or all for 0.

    Every `nth` frame at an `nth` of the rate: the film is as long and as fast as before. Raises
    ValueError for numbers that mean nothing, and for a film that ends before `first`.
    """

    first: int = 0
    count: int = 0
    nth: int = 1

    def __post_init__(self) -> None:
        if min(self.first, self.count) < 0 or self.nth < 1:
            raise ValueError(
                f"Frames {self.first} onwards, {self.count} of them, every {self.nth}: expected "
                "0 or more to skip, 0 or more to take, and every 1st or later."
            )

    def clip(self, before: Clip) -> Clip:
        left = -(-(before.count - self.first) // self.nth)
        if left < 1:
            raise ValueError(
                f"The first {self.first} frames are skipped and the film has {before.count}: skip "
                f"{before.count - 1} or fewer."
            )
        rate = None if before.rate is None else before.rate / self.nth
        return replace(before, count=min(left, self.count or left), rate=rate)

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        count = self.clip(before.clip).count - start
        if count < 1:
            return
        with closing(before.frames(self.first + start * self.nth)) as frames:
            yield from islice(frames, 0, (count - 1) * self.nth + 1, self.nth)

    def fingerprint(self) -> str:
        return f"trim {self.first} {self.count} {self.nth}"

    def describe(self) -> str:
        taken = "all frames" if not self.count else f"{self.count} frames"
        every = "" if self.nth == 1 else f", every {self.nth} of the film's"
        return f"trim: {taken} from frame {self.first} on{every}"

    def samples(self, before: Clip, sample_rate: int) -> slice:
        """The samples of the film's sound that the frames left over last for."""
        rate = before.rate or Fraction(1)
        begin = Fraction(self.first) / rate * sample_rate
        end = begin + self.clip(before).count * self.nth / rate * sample_rate
        return slice(round(begin), round(end))
