"""Lines, dots and words on a light ground, drawn larger and then made smaller: edges are smooth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import opencv as cv2

Point = tuple[float, float]
Colour = tuple[int, int, int]

GROUND: Colour = (252, 252, 250)
INK: Colour = (45, 48, 54)
PALE: Colour = (128, 132, 140)
GRID: Colour = (226, 228, 232)

LARGER = 3
SUBPIXEL_BITS = 4
CAPITAL = 21.0  # pixels of a capital letter at OpenCV's scale 1


class Canvas:
    """All sizes and places in pixels of the finished picture, x to the right and y down."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._pixels = np.full((height * LARGER, width * LARGER, 3), GROUND, np.uint8)

    def finished(self) -> np.ndarray:
        """uint8 (height, width, 3), RGB."""
        size = (self.width, self.height)
        return cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA)

    def line(self, points: Sequence[Point], colour: Colour, thickness: float = 1.0) -> None:
        cv2.polylines(
            self._pixels, [_fine(points)], False, colour, _thick(thickness), cv2.LINE_AA,
            SUBPIXEL_BITS,
        )  # fmt: skip

    def area(self, points: Sequence[Point], colour: Colour, opacity: float = 1.0) -> None:
        """A filled polygon."""
        layer = self._pixels if opacity == 1 else self._pixels.copy()
        cv2.fillPoly(layer, [_fine(points)], colour, cv2.LINE_AA, SUBPIXEL_BITS)
        if opacity < 1:
            cv2.addWeighted(layer, opacity, self._pixels, 1 - opacity, 0, self._pixels)

    def dot(self, centre: Point, radius: float, colour: Colour) -> None:
        fine_radius = round(radius * LARGER * 2**SUBPIXEL_BITS)
        (place,) = _fine([centre])
        cv2.circle(
            self._pixels, tuple(map(int, place)), fine_radius, colour, -1, cv2.LINE_AA,
            SUBPIXEL_BITS,
        )  # fmt: skip

    def arrow(self, tail: Point, tip: Point, colour: Colour, thickness: float = 1.5) -> None:
        """A line with a filled head of eight thicknesses or less."""
        start, end = np.array(tail), np.array(tip)
        length = float(np.linalg.norm(end - start))
        if length < 1e-6:
            return
        ahead = (end - start) / length
        aside = np.array([-ahead[1], ahead[0]])
        head = min(5 * thickness, 0.6 * length)
        neck = end - ahead * head
        self.line([tail, tuple(neck)], colour, thickness)
        corners = [end, neck + aside * head * 0.45, neck - aside * head * 0.45]
        self.area([tuple(corner) for corner in corners], colour)

    def text(
        self, words: str, place: Point, colour: Colour = INK, size: float = 9, align: float = 0.0
    ) -> None:
        """`size` of a capital, centred on `place` in height; `align` 0 left, 0.5 centre, 1 right.

        ASCII only: OpenCV 4 has no other letters.
        """
        scale, thickness = size * LARGER / CAPITAL, max(1, round(size * LARGER / 16))
        font = cv2.FONT_HERSHEY_SIMPLEX
        (wide, _), _ = cv2.getTextSize(words, font, scale, thickness)
        x = place[0] * LARGER - align * wide
        y = (place[1] + size / 2) * LARGER
        origin = (round(x), round(y))
        cv2.putText(self._pixels, words, origin, font, scale, colour, thickness, cv2.LINE_AA)


def _fine(points: Sequence[Point]) -> np.ndarray:
    """In OpenCV's fixed-point pixels, which have their centres at whole numbers."""
    places = np.asarray(points, dtype=np.float64) * LARGER - 0.5
    return np.round(places * 2**SUBPIXEL_BITS).astype(np.int32)


def _thick(thickness: float) -> int:
    return max(1, round(thickness * LARGER))
