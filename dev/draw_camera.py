"""Draw `docs/camera_moves.png`: every camera move's sign, in a small scene.

    python -m svd_studio.dev.draw_camera [FILE]

The scene is projected point by point with the cameras of `sampling/view.py`; nothing here knows
the homographies that the pack warps pictures with, except for the outline of the last frame.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from ..drawing.canvas import INK, PALE, Canvas, Colour, Point
from ..sampling.camera import Pose, straight
from ..sampling.camera_limits import frame_corners
from ..sampling.view import extrinsics, homographies, intrinsics

TARGET = Path(__file__).resolve().parents[1] / "docs" / "camera_moves.png"
FOV = 50.0
FRAME = (272, 153)
GAP, MARGIN, TITLE = 10, 26, 30
NEAR = 0.05
ACCENT: Colour = (255, 196, 0)

GROUND_Y = 0.2
SKY: Colour = (203, 222, 236)

# What the camera does, and its name in words.
PANELS: tuple[tuple[str, Pose], ...] = (
    ("pan +10: turns right", Pose(pan=10)),
    ("truck +0.2: goes right", Pose(truck=0.2)),
    ("tilt +7: turns up", Pose(tilt=7)),
    ("pedestal +0.13: goes up", Pose(pedestal=0.13)),
    ("zoom 1.4: a longer lens", Pose(zoom=1.4)),
    ("dolly +0.3: goes in", Pose(dolly=0.3)),
    ("roll +10: leans clockwise", Pose(roll=10)),
    ("orbit +25: goes around, right", Pose(orbit=25)),
)

Face = tuple[Colour, list[tuple[float, float, float]]]


def scene() -> list[Face]:
    """Faces in space, the furthest first: x right, y down, z ahead, the subject at z = 1."""
    faces = [*hills(), *floor()]
    for x, z, tall in ((-1.1, 3.2, 0.75), (0.95, 2.6, 0.6), (-0.42, 1.7, 0.45), (0.5, 1.45, 0.4)):
        faces += tree(x, z, tall)
    return [*faces, *house()]


def hills() -> list[Face]:
    far = 12.0
    tops = ((-14, -1), (-10, 0.2), (-6.5, -1.5), (-4.2, -0.5), (-1.8, -1.9), (1.2, -0.3), (4, -1.6))
    outline = [(x, y, far) for x, y in (*tops, (8, -0.4), (12, -1.2))]
    return [((150, 170, 178), [(-14, 0.4, far), *outline, (12, 0.4, far)])]


def floor() -> list[Face]:
    side = 0.25
    faces = []
    for row in range(47, 0, -1):
        for column in range(-40, 40):
            light = (row + column) % 2 == 0
            x, z = column * side, row * side
            corners = [(x, z), (x + side, z), (x + side, z + side), (x, z + side)]
            colour = (206, 202, 188) if light else (184, 180, 164)
            faces.append((colour, [(a, GROUND_Y, b) for a, b in corners]))
    return faces


def tree(x: float, z: float, tall: float) -> list[Face]:
    top, crown = GROUND_Y - tall, GROUND_Y - 0.25 * tall
    trunk = [(x - 0.02, GROUND_Y, z), (x + 0.02, GROUND_Y, z), (x + 0.02, crown, z)]
    return [
        ((112, 84, 62), [*trunk, (x - 0.02, crown, z)]),
        ((92, 132, 98), [(x - 0.2 * tall, crown, z), (x + 0.2 * tall, crown, z), (x, top, z)]),
    ]


def house() -> list[Face]:
    half, eaves, ridge, deep = 0.13, 0.02, -0.1, 0.11
    front, back = 1 - deep, 1 + deep
    faces = []
    for side, colour in ((-1, (176, 84, 70)), (1, (176, 84, 70))):
        x = side * half
        wall = [(x, GROUND_Y, front), (x, GROUND_Y, back), (x, eaves, back), (x, eaves, front)]
        roof = [(x, eaves, front), (x, eaves, back), (0, ridge, back), (0, ridge, front)]
        faces += [(colour, wall), ((92, 98, 112), roof)]
    wall = [(-half, GROUND_Y, front), (half, GROUND_Y, front), (half, eaves, front)]
    faces.append(((214, 108, 86), [*wall, (0, ridge, front), (-half, eaves, front)]))
    door = [(-0.03, GROUND_Y), (0.03, GROUND_Y), (0.03, 0.09), (-0.03, 0.09)]
    window = [(-0.025, -0.02), (0.025, -0.02), (0.025, 0.03), (-0.025, 0.03)]
    for colour, outline in (((84, 58, 54), door), ((246, 236, 200), window)):
        faces.append((colour, [(x, y, front) for x, y in outline]))
    return faces


def project(points: Sequence[Sequence[float]], pose: Pose) -> list[Point]:
    """Image coordinates of what lies in front of the camera."""
    rotation, centre = extrinsics(pose)
    seen = (torch.tensor(points, dtype=torch.float64) - centre) @ rotation.T
    kept: list[torch.Tensor] = []
    for before, here in zip([seen[-1], *seen[:-1]], seen, strict=True):
        if (before[2] > NEAR) != (here[2] > NEAR):
            share = (NEAR - before[2]) / (here[2] - before[2])
            kept.append(before + share * (here - before))
        if here[2] > NEAR:
            kept.append(here)
    images = [intrinsics(FOV, pose.zoom) @ point for point in kept]
    return [(float(point[0] / point[2]), float(point[1] / point[2])) for point in images]


def photograph(pose: Pose, mark: Callable[[Canvas], None] | None = None) -> np.ndarray:
    """uint8 (H, W, 3): the scene from `pose`, and marks on it."""
    width, height = FRAME
    canvas = Canvas(width, height)
    canvas.area([(0, 0), (width, 0), (width, height), (0, height)], SKY)
    for colour, points in scene():
        outline = project(points, pose)
        if len(outline) > 2:
            canvas.area([pixels(point) for point in outline], colour)
    if mark:
        mark(canvas)
    return canvas.finished()


def pixels(point: Point) -> Point:
    width, height = FRAME
    return width * (0.5 + point[0]), height / 2 + width * point[1]


def marks(pose: Pose) -> Callable[[Canvas], None]:
    """The outline of the last frame on the first one, and an arrow for how it gets there."""
    aspect = FRAME[1] / FRAME[0]
    back = torch.linalg.inv(homographies(straight(pose, fov=FOV), 2)[-1])
    corners = frame_corners(aspect)
    outline = [(float(x / w), float(y / w)) for x, y, w in corners @ back.T]
    centre = back @ torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    goal = (float(centre[0] / centre[2]), float(centre[1] / centre[2]))

    def mark(canvas: Canvas) -> None:
        canvas.line([pixels(point) for point in [*outline, outline[0]]], ACCENT, 1.6)
        if math.hypot(*goal) > 0.02:
            canvas.arrow(pixels((0.0, 0.0)), pixels(goal), ACCENT, 2.4)
        elif pose.roll or pose.orbit:
            turning(canvas, pose)
        else:
            for corner, end in zip(corners.tolist(), outline, strict=True):
                start = [0.985 * value for value in corner[:2]]
                canvas.arrow(pixels((start[0], start[1])), pixels(end), ACCENT, 2.0)

    return mark


def turning(canvas: Canvas, pose: Pose) -> None:
    """An arrow along an arc: across the frame for a roll, around the house for an orbit."""
    angles = [math.radians(a) for a in range(-35, 36, 5)]
    if pose.roll:
        radius = 0.21
        way = [(radius * math.sin(a), -radius * math.cos(a)) for a in angles]
    else:
        around = [math.radians(a) for a in range(-30, 51, 5)]
        level = [(0.3 * math.sin(a), 0.15, 1 - 0.3 * math.cos(a)) for a in around]
        way = project(level, Pose())
    canvas.line([pixels(point) for point in way[:-4]], ACCENT, 2.4)
    canvas.arrow(pixels(way[-5]), pixels(way[-1]), ACCENT, 2.4)


def draw() -> np.ndarray:
    """uint8 (H, W, 3): two panels a row, each the first and the last frame of a move."""
    width, height = FRAME
    panel = (2 * width + GAP, height + TITLE)
    rows = math.ceil(len(PANELS) / 2)
    size = (2 * panel[0] + 3 * MARGIN, rows * panel[1] + (rows + 1) * MARGIN // 2 + 28)
    canvas = Canvas(*size)
    places = []
    for number, (name, _) in enumerate(PANELS):
        x = MARGIN + (number % 2) * (panel[0] + MARGIN)
        y = MARGIN // 2 + number // 2 * (panel[1] + MARGIN // 2)
        places.append((x, y + TITLE))
        canvas.text(name, (x, y + TITLE / 2), INK, 10)
        canvas.text("last frame", (x + panel[0], y + TITLE / 2), PALE, 8, 1.0)
    note = "Yellow, on the first frame: what the last frame shows, at the distance of the subject."
    canvas.text(note, (MARGIN, size[1] - 22), PALE, 8)
    picture = canvas.finished()
    for (x, y), (_, pose) in zip(places, PANELS, strict=True):
        picture[y : y + height, x : x + width] = photograph(Pose(), marks(pose))
        right = x + width + GAP
        picture[y : y + height, right : right + width] = photograph(pose)
    return picture


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    cv2.imwrite(str(target), draw()[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{target}: {target.stat().st_size // 1024} KiB")
