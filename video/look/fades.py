"""Fades in and out, even to the eye."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .per_frame import coloured

DISPLAY_GAMMA = 2.4  # of a studio display (ITU-R BT.1886)


class FadeTo(Enum):
    BLACK = "black"
    WHITE = "white"


@dataclass(frozen=True)
class Fade:
    """The first frame and the last are black (or white), and `fade_in` frames from the first, or
    `fade_out` before the last, are clear. 0: no fade.

    On a display light is the signal to the power of 2.4. To black the signal falls evenly, and
    light by its power, as behind a shutter that closes. To white, light is added likewise. Raises
    ValueError for less than 0 frames.
    """

    fade_in: int = 0
    fade_out: int = 0
    to: FadeTo = FadeTo.BLACK

    def __post_init__(self) -> None:
        if min(self.fade_in, self.fade_out) < 0:
            raise ValueError(
                f"The fades are {self.fade_in} and {self.fade_out} frames: expected 0 or more."
            )

    def clip(self, before: Clip) -> Clip:
        return before

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        if not self.fade_in and not self.fade_out:
            return before.frames(start)
        last = before.clip.count - 1
        return coloured(
            before, start, lambda colours, number: self._faded(colours, self.clear(number, last))
        )

    def clear(self, number: int, last: int) -> float:
        """How clear frame `number` is when the last one is `last`, 0..1."""
        clear = 1.0
        if self.fade_in:
            clear = min(clear, number / self.fade_in)
        if self.fade_out:
            clear = min(clear, (last - number) / self.fade_out)
        return max(0.0, clear)

    def _faded(self, colours: Tensor, clear: float) -> Tensor:
        if clear == 1:
            return colours
        if self.to is FadeTo.BLACK:
            return colours * clear
        white = (1 - clear) ** DISPLAY_GAMMA
        light = colours.clamp(min=0) ** DISPLAY_GAMMA
        return (light + white * (1 - light)) ** (1 / DISPLAY_GAMMA)

    def fingerprint(self) -> str:
        return fingerprint("fade", self)

    def describe(self) -> str:
        return f"fade: {self.fade_in} frames in, {self.fade_out} out, {self.to.value}"


def frames_of(seconds: float, rate: Fraction | None) -> int:
    """How many frames that is; raises ValueError when nobody has said the rate."""
    if seconds == 0:
        return 0
    if rate is None:
        raise ValueError(
            f"A fade of {seconds:g} seconds needs the film's frame rate, which these frames do "
            "not tell: set fps."
        )
    return max(1, round(seconds * rate))
