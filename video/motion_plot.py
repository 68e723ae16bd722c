"""A film's measured camera beside the one that was asked for, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..drawing.axes import frame_ticks, round_ticks
from ..drawing.canvas import GRID, INK, PALE, Canvas, Colour, Point
from .camera_motion import GlobalMotion

WIDTH, HEIGHT = 1200, 640
MEASURED: Colour = (0, 114, 178)  # Okabe and Ito's colours, for colour-blind readers
COMMANDED: Colour = (213, 94, 0)
DASH = 9.0


@dataclass(frozen=True)
class Panel:
    """One channel; `unit` scales it for the axis, which spans `smallest` at least."""

    channel: str
    title: str
    unit: float
    smallest: float


PANELS = (
    Panel("shift_x", "content to the right, % of the width", 100.0, 2.0),
    Panel("shift_y", "content down, % of the width", 100.0, 2.0),
    Panel("log_zoom", "content grows, % (log)", 100.0, 2.0),
    Panel("roll", "content turns clockwise, degrees", 1.0, 2.0),
)


def plot_motion(
    measured: Sequence[GlobalMotion], commanded: Sequence[GlobalMotion] | None, title: str
) -> np.ndarray:
    """uint8 (640, 1200, 3) RGB: four panels over the frames; `commanded` is dashed."""
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(title, (60, 24), size=10)
    _legend(canvas, commanded is not None)
    for number, panel in enumerate(PANELS):
        left, top = 76 + 590 * (number % 2), 84 + 284 * (number // 2)
        _draw(canvas, panel, measured, commanded, (left, top, left + 490, top + 210))
    return canvas.finished()


def _legend(canvas: Canvas, both: bool) -> None:
    canvas.line([(60, 48), (90, 48)], MEASURED, 2.5)
    canvas.text("measured", (98, 48), INK, 8)
    if both:
        canvas.line([(180, 48), (190, 48)], COMMANDED, 2.5)
        canvas.line([(198, 48), (208, 48)], COMMANDED, 2.5)
        canvas.text("asked for", (218, 48), INK, 8)


def _draw(
    canvas: Canvas,
    panel: Panel,
    measured: Sequence[GlobalMotion],
    commanded: Sequence[GlobalMotion] | None,
    box: tuple[float, float, float, float],
) -> None:
    left, top, right, bottom = box
    curves = [
        [getattr(m, panel.channel) * panel.unit for m in c] for c in (measured, commanded or ())
    ]
    everything = [0.0, *curves[0], *curves[1]]
    ticks = round_ticks(min(everything), max(everything), panel.smallest)

    def at(frame: float, value: float) -> Point:
        x = left + frame / max(1, len(measured) - 1) * (right - left)
        return x, bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (bottom - top)

    canvas.text(panel.title, (left, top - 14), PALE, 8)
    for tick in ticks:
        canvas.line([at(0, tick), at(len(measured) - 1, tick)], PALE if tick == 0 else GRID)
        canvas.text(f"{tick:.6g}", (left - 10, at(0, tick)[1]), PALE, 8, 1.0)
    for frame in frame_ticks(len(measured)):
        x, y = at(frame, ticks[0])
        canvas.line([(x, y), (x, y + 4)], PALE)
        canvas.text(f"{frame + 1}", (x, y + 15), PALE, 8, 0.5)
    canvas.line([at(i, v) for i, v in enumerate(curves[0])], MEASURED, 2.5)
    for dash in _dashes([at(i, v) for i, v in enumerate(curves[1])]):
        canvas.line(dash, COMMANDED, 2.5)


def _dashes(points: Sequence[Point]) -> list[list[Point]]:
    """A line cut into strokes and gaps of equal length."""
    if len(points) < 2:
        return []
    line = np.array(points)
    along = np.concatenate([[0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    starts = np.arange(0, along[-1], 2 * DASH)

    def place(s: float) -> Point:
        return float(np.interp(s, along, line[:, 0])), float(np.interp(s, along, line[:, 1]))

    return [[place(start), place(min(start + DASH, along[-1]))] for start in starts]
