"""Draws docs/icon.png and docs/banner.png: a camera's framing that moves over a picture on film.

The registry wants an icon of 400x400 at most and a banner of 21:9. Everything is drawn here, four
times as large, and made smaller: no font, no foreign art.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

DOCS = Path(__file__).resolve().parents[1] / "docs"
ICON, BANNER = (400, 400), (1680, 720)
FINER = 4

Colour = tuple[int, int, int]
FILM: Colour = (18, 19, 33)
HOLE: Colour = (232, 230, 222)
SKY: tuple[Colour, ...] = ((38, 30, 84), (148, 62, 118), (244, 126, 86), (255, 205, 130))
SUN: Colour = (255, 240, 200)
HILLS: tuple[Colour, ...] = ((120, 58, 112), (72, 40, 92), (32, 24, 58))
FRAMING: Colour = (255, 255, 255)
PASSED: Colour = (96, 226, 214)


class Box(NamedTuple):
    left: float
    top: float
    width: float
    height: float

    def corners(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.left + self.width, self.top + self.height


def landscape(width: int, height: int, sun: float) -> Image.Image:
    """Sunset over three rows of hills; sun: where it is, as a share of the width."""
    rows = np.linspace(0, len(SKY) - 1, height)
    sky = [np.interp(rows, range(len(SKY)), channel) for channel in np.array(SKY).T]
    picture = Image.fromarray(
        np.repeat(np.stack(sky, -1)[:, None], width, axis=1).round().astype(np.uint8)
    )
    draw = ImageDraw.Draw(picture)
    radius = 0.15 * height
    draw.circle((sun * width, 0.58 * height), radius, fill=SUN)
    x = np.linspace(0, width, 200)
    for row, colour in enumerate(HILLS):
        turns = (x / height) * (2.6 - 0.5 * row) + 1.9 * row
        y = height * (0.66 + 0.12 * row - 0.07 * np.sin(turns) - 0.025 * np.sin(2.7 * turns))
        draw.polygon([*zip(x, y, strict=True), (width, height), (0, height)], fill=colour)
    return picture


def film(size: tuple[int, int], hole: float, round_by: float) -> tuple[Image.Image, Box]:
    """A strip of film with rounded ends, and the place of the picture on it."""
    width, height = size
    strip = Image.new("RGBA", size)
    draw = ImageDraw.Draw(strip)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), round_by, fill=FILM)
    count = round(width / (2.1 * hole))
    for number in range(count):
        left = (number + 0.5) * width / count - hole / 2
        for top in (0.55 * hole, height - 1.35 * hole):
            holes = Box(left, top, hole, 0.8 * hole)
            draw.rounded_rectangle(holes.corners(), 0.2 * hole, fill=HOLE)
    edge = 1.9 * hole
    return strip, Box(0.75 * hole, edge, width - 1.5 * hole, height - 2 * edge)


def framing(
    size: tuple[int, int], box: Box, line: float, colour: Colour, alpha: int
) -> Image.Image:
    """The four corners of a camera's framing, on glass."""
    glass = Image.new("RGBA", size)
    draw = ImageDraw.Draw(glass)
    left, top, right, bottom = box.corners()
    arm = 0.3 * box.height
    for x, inwards in ((left, 1), (right, -1)):
        for y, down in ((top, 1), (bottom, -1)):
            for end in ((x + inwards * arm, y), (x, y + down * arm)):
                draw.line((x, y, *end), fill=(*colour, alpha), width=round(line))
                draw.circle(end, line / 2, fill=(*colour, alpha))
            draw.circle((x, y), line / 2, fill=(*colour, alpha))
    return glass


def drawn(size: tuple[int, int], hole: float, steps: int) -> Image.Image:
    """The film, with a framing that has moved over its picture in so many steps, to the sun."""
    large = (size[0] * FINER, size[1] * FINER)
    hole *= FINER
    strip, place = film(large, hole, 0.9 * hole)
    wide = min(0.62 * place.height * 16 / 9, 0.56 * place.width)
    sun = 0.92 - wide / place.width / 2
    picture = landscape(round(place.width), round(place.height), sun)
    strip.paste(picture, (round(place.left), round(place.top)))
    tall = wide * 9 / 16 if wide < 0.5 * place.width else 0.5 * place.height
    first = Box(place.left + 0.08 * place.width, place.top + 0.94 * place.height - tall, wide, tall)
    last = (place.left + 0.92 * place.width - wide, place.top + 0.12 * place.height)
    for step in range(steps):
        share = step / (steps - 1)
        eased = share * share * (3 - 2 * share)
        here = first._replace(
            left=first.left + eased * (last[0] - first.left),
            top=first.top + eased * (last[1] - first.top),
        )
        arrived = step == steps - 1
        colour, alpha = (FRAMING, 255) if arrived else (PASSED, round(70 + 110 * share))
        line = hole * (0.26 if arrived else 0.15)
        strip.alpha_composite(framing(large, here, line, colour, alpha))
    return strip.resize(size, Image.Resampling.LANCZOS)


def main() -> None:
    drawn(ICON, hole=32, steps=3).save(DOCS / "icon.png", optimize=True)
    drawn(BANNER, hole=44, steps=4).save(DOCS / "banner.png", optimize=True)


if __name__ == "__main__":
    main()
