"""Black bars to a screen's shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .per_frame import coloured


class Screen(Enum):
    NONE = "none"
    SCOPE = "2.39:1"
    CINEMASCOPE = "2.35:1"
    FLAT = "1.85:1"
    WIDE = "16:9"
    CLASSIC = "4:3"
    SQUARE = "1:1"

    @property
    def ratio(self) -> Fraction | None:
        """Width over height."""
        if self is Screen.NONE:
            return None
        width, height = self.value.split(":")
        return Fraction(width) / Fraction(height)


@dataclass(frozen=True)
class Letterbox:
    """Covers what lies outside of `screen`, in the middle; the picture is not scaled."""

    screen: Screen

    def clip(self, before: Clip) -> Clip:
        return before

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        if self.screen is Screen.NONE:
            return before.frames(start)
        return coloured(before, start, self._framed)

    def _framed(self, colours: Tensor, number: int) -> Tensor:
        down, across = bars(*colours.shape[:2], self.screen.ratio)
        height, width = colours.shape[:2]
        framed = colours.new_zeros(colours.shape)
        inside = (slice(down, height - down), slice(across, width - across))
        framed[inside] = colours[inside]
        return framed

    def fingerprint(self) -> str:
        return fingerprint("letterbox", self.screen)

    def describe(self) -> str:
        return f"letterbox: {self.screen.value}"


def bars(height: int, width: int, ratio: Fraction) -> tuple[int, int]:
    """Rows above and below, and columns left and right, of the largest part with this ratio.

    One of both is 0. At least one row or column is left.
    """
    down = max(0, round((height - width / ratio) / 2))
    across = max(0, round((width - height * ratio) / 2))
    return min(down, (height - 1) // 2), min(across, (width - 1) // 2)
