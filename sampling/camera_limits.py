"""Where a camera move leaves what SVD can be expected to follow, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .camera import CameraPath, Pose, largest_turn
from .view import homographies

# CamTrol++ (2026) sees quality fall when one clip turns by 18 to 20 degrees.
TRUSTED_TURN = 15.0
SMALLEST_SEEN = 0.6  # of the frame: below it most of what is shown has to be invented
SMALLEST_SHIFT = 0.002  # frame widths: half a pixel of 256, nothing to follow
BEHIND = 1e-6


def warnings(path: CameraPath, num_frames: int, aspect: float, flat: bool = True) -> list[str]:
    """One sentence for everything about the move that is likely to disappoint; none when it is fit.

    `aspect` is height / width of the frame; `flat`: the picture has no depth map. Raises ValueError
    for less than one frame.
    """
    if num_frames < 1:
        raise ValueError(f"{num_frames} frames asked for: a clip has at least 1.")
    poses = path.poses(num_frames)
    matrices = homographies(path, num_frames)
    found = [
        _about_turning(largest_turn(poses), "turns by"),
        _about_turning(max(abs(pose.roll) for pose in poses), "rolls by"),
        _about_seeing([seen_share(matrix, aspect) for matrix in matrices]),
        _about_depth(poses, matrices, aspect) if flat else "",
    ]
    return [sentence for sentence in found if sentence]


def seen_share(homography: Tensor, aspect: float) -> float:
    """The share 0..1 of the frame that shows the picture under `homography` (3, 3)."""
    corners = frame_corners(aspect)
    polygon = [homography @ corner for corner in corners]
    half = aspect / 2
    # Each line (a, b, c) keeps a x + b y + c w >= 0; the first, what is in front of the camera.
    for line in ((0, 0, 1), (1, 0, 0.5), (-1, 0, 0.5), (0, 1, half), (0, -1, half)):
        offset = BEHIND if line == (0, 0, 1) else 0.0
        polygon = _clip(polygon, torch.tensor(line, dtype=torch.float64), offset)
    if not polygon:
        return 0.0
    points = torch.stack([point[:2] / point[2] for point in polygon])
    return float(min(1.0, _area(points) / aspect))


def frame_corners(aspect: float) -> Tensor:
    """(4, 3): the corners of the frame in image coordinates, clockwise on the screen."""
    x, y = 0.5, aspect / 2
    corners = [[-x, -y, 1], [x, -y, 1], [x, y, 1], [-x, y, 1]]
    return torch.tensor(corners, dtype=torch.float64)


def _clip(polygon: Sequence[Tensor], line: Tensor, offset: float) -> list[Tensor]:
    """The part of a homogeneous polygon where line . p >= offset (Sutherland and Hodgman 1974)."""
    kept = []
    for before, here in zip([*polygon[-1:], *polygon[:-1]], polygon, strict=True):
        a, b = float(line @ before) - offset, float(line @ here) - offset
        if (a >= 0) != (b >= 0):
            kept.append(before + (here - before) * (a / (a - b)))
        if b >= 0:
            kept.append(here)
    return kept


def _area(points: Tensor) -> float:
    x, y = points.T
    return abs(float((x * y.roll(-1) - x.roll(-1) * y).sum())) / 2


def _about_turning(degrees: float, verb: str) -> str:
    if degrees <= TRUSTED_TURN:
        return ""
    clips = math.ceil(degrees / TRUSTED_TURN)
    return (
        f"The camera {verb} {degrees:.0f} degrees; SVD follows about {TRUSTED_TURN:.0f} in a clip. "
        f"Use a smaller amount, or shoot it as {clips} clips, each with its part of the path (SVD "
        "Camera Combine) and from the last frame of the clip before."
    )


def _about_seeing(shares: Sequence[float]) -> str:
    worst = min(range(len(shares)), key=shares.__getitem__)
    if shares[worst] >= SMALLEST_SEEN:
        return ""
    return (
        f"Frame {worst + 1} of {len(shares)} shows the picture on only {100 * shares[worst]:.0f} % "
        "of it; SVD has to invent the rest. Use a smaller amount, a picture that shows more than "
        "the frame, or the guide's method refine."
    )


def _about_depth(poses: Sequence[Pose], matrices: Tensor, aspect: float) -> str:
    if not any(pose.moves_the_camera for pose in poses):
        return ""
    corners = frame_corners(aspect)
    moved = corners @ matrices.mT
    shift = (moved[..., :2] / moved[..., 2:] - corners[:, :2]).norm(dim=-1).max()
    if shift >= SMALLEST_SHIFT:
        return ""
    return (
        "On a flat picture this move shows nothing: what the camera does, the lens undoes. Give "
        "the guide a depth map."
    )


NOTHING_TO_WARN_OF = "Within what SVD follows well."


def verdict(path: CameraPath, num_frames: int, aspect: float, flat: bool = True) -> str:
    """The warnings as one text, or a sentence that there are none."""
    return "\n".join(warnings(path, num_frames, aspect, flat)) or NOTHING_TO_WARN_OF
