"""A camera path from above: where the camera stands, where it looks, and what it photographs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..drawing.canvas import INK, PALE, Canvas, Colour, Point
from .camera import Pose
from .view import extrinsics, focal_length

MOVING: Colour = (0, 114, 178)


@dataclass(frozen=True)
class Seen:
    """A camera from above: where it is, where it looks, and half its view; x right, z ahead."""

    place: Point
    heading: float
    half_view: float

    def ray(self, side: float, length: float) -> Point:
        """The end of a ray at `side` -1..1 of the view, `length` along the axis."""
        angle = self.heading + math.atan(side * math.tan(self.half_view))
        reach = length / math.cos(angle - self.heading)
        return (
            self.place[0] + reach * math.sin(angle),
            self.place[1] + reach * math.cos(angle),
        )


def seen_from_above(pose: Pose, fov: float) -> Seen:
    rotation, centre = extrinsics(pose)
    ahead = rotation[2]  # the camera's axis, in the first camera's axes
    half = math.atan(0.5 / focal_length(fov, pose.zoom))
    heading = math.atan2(float(ahead[0]), float(ahead[2]))
    return Seen((float(centre[0]), float(centre[2])), heading, half)


def draw_from_above(
    canvas: Canvas, poses: Sequence[Pose], fov: float, corner: Point, opposite: Point
) -> None:
    """Into the rectangle from `corner` (top left) to `opposite`; heights and roll are unseen."""
    cameras = [seen_from_above(pose, fov) for pose in poses]
    first, last = cameras[0], cameras[-1]
    half_width = math.tan(first.half_view)
    edges = [(-half_width, 1.0), (half_width, 1.0)]
    inside = [*edges, *(c.place for c in cameras), *(last.ray(side, 1.0) for side in (-1, 1))]
    at = _fit(inside, corner, opposite)
    for camera, colour in ((first, PALE), (last, MOVING)):
        left, right = (camera.ray(side, 1.0) for side in (-1, 1))
        canvas.area([at(camera.place), at(left), at(right)], colour, 0.10)
        canvas.line([at(left), at(camera.place), at(right)], colour)
    canvas.line([at(edge) for edge in edges], INK, 2.5)
    canvas.text("the picture", _moved(at((-0.55 * half_width, 1.0)), 0, -13), INK, 8, 0.5)
    canvas.dot(at((0.0, 1.0)), 5, INK)
    canvas.text("subject", _moved(at((0.0, 1.0)), 0, -15), INK, 8, 0.5)
    canvas.line([at(camera.place) for camera in cameras], MOVING, 2.0)
    for camera, colour in ((first, PALE), (last, MOVING)):
        canvas.arrow(at(camera.place), at(camera.ray(0, 0.25)), colour, 2.0)
        canvas.dot(at(camera.place), 4.5, colour)
    _name_cameras(canvas, at(first.place), at(last.place))


def _name_cameras(canvas: Canvas, first: Point, last: Point) -> None:
    """Beside the cameras, on the sides where they do not stand in each other's way."""
    if math.dist(first, last) < 12:
        canvas.text("first frame", _moved(first, -12, 4), PALE, 8, 1.0)
        canvas.text("last frame", _moved(last, 12, 4), MOVING, 8)
        return
    to_the_right = last[0] >= first[0]
    for words, place, colour, right in (
        ("first frame", first, PALE, not to_the_right),
        ("last frame", last, MOVING, to_the_right),
    ):
        canvas.text(words, _moved(place, 12 if right else -12, 4), colour, 8, 0.0 if right else 1.0)


def _moved(place: Point, dx: float, dy: float) -> Point:
    return place[0] + dx, place[1] + dy


def _fit(inside: Sequence[Point], corner: Point, opposite: Point) -> Callable[[Point], Point]:
    """From x right, z ahead to the rectangle, upright and with one scale."""
    (left, right), (near, far) = ((min(v), max(v)) for v in zip(*inside, strict=True))
    width, height = opposite[0] - corner[0], opposite[1] - corner[1]
    scale = min(width / (right - left), height / (far - near))
    x = (corner[0] + opposite[0] - scale * (left + right)) / 2
    y = (corner[1] + opposite[1] + scale * (near + far)) / 2
    return lambda place: (x + scale * place[0], y - scale * place[1])
