"""From where the camera is to where things are in the frame.

Image coordinates are in frame widths from the frame's centre, x to the right and y down; camera
axes are x right, y down, z forward (Hartley and Zisserman 2004, chapters 6 and 13). The subject is
at distance 1.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from .camera import CameraPath, Pose


def focal_length(fov: float, zoom: float = 1.0) -> float:
    """In frame widths, for `fov` degrees across the frame at zoom 1."""
    return zoom * 0.5 / math.tan(math.radians(fov) / 2)


def intrinsics(fov: float, zoom: float = 1.0) -> Tensor:
    """K (3, 3): camera direction to image point."""
    focal = focal_length(fov, zoom)
    return torch.diag(torch.tensor([focal, focal, 1.0], dtype=torch.float64))


def extrinsics(pose: Pose) -> tuple[Tensor, Tensor]:
    """R (3, 3) and C (3,): a point X of the first camera's axes is R (X - C) in this camera's."""
    around = _turn_right(-pose.orbit)
    angle = math.radians(pose.orbit)
    centre = torch.tensor([math.sin(angle), 0.0, 1 - math.cos(angle)], dtype=torch.float64)
    step = torch.tensor([pose.truck, -pose.pedestal, pose.dolly], dtype=torch.float64)
    rotation = _lean_clockwise(pose.roll) @ _turn_up(pose.tilt) @ _turn_right(pose.pan) @ around
    return rotation, centre + around.T @ step


def homographies(path: CameraPath, num_frames: int) -> Tensor:
    """(T, 3, 3) float64: where a point of the first frame is in each frame.

    Exact for pan, tilt, roll and zoom; for moves of the camera itself the picture is a plane at
    the subject's distance: H = K_t R (I - C n^T) K_0^-1 with n = (0, 0, 1).
    """
    normal = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    to_ray = torch.linalg.inv(intrinsics(path.fov))
    matrices = []
    for pose in path.poses(num_frames):
        rotation, centre = extrinsics(pose)
        plane = torch.eye(3, dtype=torch.float64) - centre[:, None] @ normal
        matrices.append(intrinsics(path.fov, pose.zoom) @ rotation @ plane @ to_ray)
    return torch.stack(matrices)


def mean_flow(path: CameraPath, num_frames: int, aspect: float) -> float:
    """Mean length, in frame widths, of the picture's motion from one frame to the next.

    `aspect` is height / width. Points that leave the frame count as long as they are in it.
    """
    ys, xs = torch.meshgrid(
        torch.linspace(-aspect / 2, aspect / 2, 9, dtype=torch.float64),
        torch.linspace(-0.5, 0.5, 16, dtype=torch.float64),
        indexing="ij",
    )
    now = torch.stack([xs, ys, torch.ones_like(xs)], dim=-1)
    matrices = homographies(path, num_frames)
    lengths = []
    for before, after in pairwise(matrices):
        then = now @ (after @ torch.linalg.inv(before)).T
        lengths.append((then[..., :2] / then[..., 2:] - now[..., :2]).norm(dim=-1).mean())
    return float(torch.stack(lengths).mean())


def _turn_right(degrees: float) -> Tensor:
    """What lies ahead goes to the left."""
    c, s = _cos_sin(degrees)
    return torch.tensor([[c, 0, -s], [0, 1, 0], [s, 0, c]], dtype=torch.float64)


def _turn_up(degrees: float) -> Tensor:
    """What lies ahead goes down."""
    c, s = _cos_sin(degrees)
    return torch.tensor([[1, 0, 0], [0, c, s], [0, -s, c]], dtype=torch.float64)


def _lean_clockwise(degrees: float) -> Tensor:
    """What lies ahead turns counter-clockwise."""
    c, s = _cos_sin(degrees)
    return torch.tensor([[c, s, 0], [-s, c, 0], [0, 0, 1]], dtype=torch.float64)


def _cos_sin(degrees: float) -> tuple[float, float]:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
