"""A camera path drawn: how far every move is at every frame, and the camera from above."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..drawing.axes import frame_ticks, round_ticks, spread
from ..drawing.canvas import GRID, PALE, Canvas, Colour, Point
from .camera import STILL, CameraPath, Pose
from .camera_above import draw_from_above

WIDTH, HEIGHT = 1200, 540
CURVES = (76.0, 640.0)  # left and right edge of the curves; their names stand right of them
TOP, BOTTOM = 62.0, 490.0
FROM_ABOVE = ((830.0, TOP), (1170.0, BOTTOM))
BETWEEN = 34.0  # pixels from one set of axes to the next
LABEL = 17.0  # pixels from one label to the next

# Okabe and Ito's colours, which colour-blind readers can tell apart, darkened for lines.
COLOURS: dict[str, Colour] = {
    "pan": (0, 114, 178),
    "tilt": (213, 94, 0),
    "roll": (0, 140, 100),
    "orbit": (180, 95, 150),
    "truck": (0, 114, 178),
    "pedestal": (213, 94, 0),
    "dolly": (0, 140, 100),
    "zoom": (70, 70, 70),
}


@dataclass(frozen=True)
class Axis:
    """Moves that are measured alike.

    `smallest` is the least that the axis spans, `last_value` the format of the numbers beside it.
    """

    moves: tuple[str, ...]
    title: str
    smallest: float
    last_value: str
    neutral: float = 0.0


AXES = (
    Axis(("pan", "tilt", "roll", "orbit"), "degrees", 2.0, "+.1f"),
    Axis(("truck", "pedestal", "dolly"), "distances to the subject", 0.04, "+.2f"),
    Axis(("zoom",), "focal length, times the first", 0.04, ".2f", 1.0),
)


def plot(path: CameraPath, num_frames: int) -> np.ndarray:
    """uint8 (540, 1200, 3) RGB. Only moves that happen are drawn."""
    poses = path.poses(num_frames)
    canvas = Canvas(WIDTH, HEIGHT)
    shown = [axis for axis in AXES if _moving(axis, poses)]
    canvas.text("Camera moves", (CURVES[0], 22), size=10)
    if not shown:
        canvas.text("The camera stands still.", (sum(CURVES) / 2, HEIGHT / 2), PALE, 10, 0.5)
    height = (BOTTOM - TOP - BETWEEN * (len(shown) - 1)) / max(1, len(shown))
    for number, axis in enumerate(shown):
        top = TOP + number * (height + BETWEEN)
        _draw_curves(canvas, axis, poses, (top, top + height), number == len(shown) - 1)
    canvas.text("From above", (FROM_ABOVE[0][0], 22), size=10)
    draw_from_above(canvas, poses, path.fov, *FROM_ABOVE)
    return canvas.finished()


def _moving(axis: Axis, poses: Sequence[Pose]) -> list[str]:
    return [
        move
        for move in axis.moves
        if any(abs(getattr(pose, move) - getattr(STILL, move)) > 1e-6 for pose in poses)
    ]


def _draw_curves(
    canvas: Canvas, axis: Axis, poses: Sequence[Pose], rows: tuple[float, float], last: bool
) -> None:
    moves = _moving(axis, poses)
    values = {move: [getattr(pose, move) for pose in poses] for move in moves}
    everything = [axis.neutral, *(value for curve in values.values() for value in curve)]
    ticks = round_ticks(min(everything), max(everything), axis.smallest)
    low, high = ticks[0], ticks[-1]

    def at(frame: float, value: float) -> Point:
        share = frame / max(1, len(poses) - 1)
        y = rows[1] - (value - low) / (high - low) * (rows[1] - rows[0])
        return CURVES[0] + share * (CURVES[1] - CURVES[0]), y

    _draw_axes(canvas, axis, ticks, at, len(poses), last)
    for move, curve in values.items():
        points = [at(frame, value) for frame, value in enumerate(curve)]
        canvas.line(points, COLOURS[move], 2.0)
        if len(points) <= 60:
            for point in points:
                canvas.dot(point, 2.6, COLOURS[move])
    ends = {move: at(len(poses) - 1, curve[-1])[1] for move, curve in values.items()}
    for move, y in spread(ends, LABEL).items():
        number = format(values[move][-1], axis.last_value)
        canvas.text(f"{move} {number}", (CURVES[1] + 12, y), COLOURS[move])


def _draw_axes(
    canvas: Canvas,
    axis: Axis,
    ticks: Sequence[float],
    at: Callable[[float, float], Point],
    num_frames: int,
    last: bool,
) -> None:
    canvas.text(axis.title, (CURVES[0], at(0, ticks[-1])[1] - 13), PALE, 8)
    for tick in ticks:
        strong = math.isclose(tick, axis.neutral, abs_tol=1e-9)
        canvas.line([at(0, tick), at(num_frames - 1, tick)], PALE if strong else GRID)
        canvas.text(f"{tick:.6g}", (CURVES[0] - 10, at(0, tick)[1]), PALE, 8, 1.0)
    for frame in frame_ticks(num_frames):
        x, y = at(frame, ticks[0])
        canvas.line([(x, y), (x, y + 4)], PALE)
        if last:
            canvas.text(f"{frame + 1}", (x, y + 15), PALE, 8, 0.5)
    if last:
        canvas.text("frame", (sum(CURVES) / 2, BOTTOM + 32), PALE, 8, 0.5)
