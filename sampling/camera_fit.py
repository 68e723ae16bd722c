"""The camera path behind the homographies of a clip: `view.homographies` the other way round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .camera import STILL, CameraPath, Keyframe, Pose
from .easing import Ease
from .view import extrinsics, intrinsics

FITTED = ("pan", "tilt", "roll", "zoom")
STEPS = 12
CONVERGED = 1e-10  # degrees, and shares of the zoom
NUDGE = 1e-4
UNSEEN = 0.05  # weight of points that have left the frame: homographies are guesses there


@dataclass(frozen=True)
class FittedPath:
    """`path` of pan, tilt, roll and zoom, a keyframe for every frame.

    `error`: frame widths between where it puts points of the picture and where the homographies
    do, root mean square over the worst frame.
    """

    path: CameraPath
    error: float

    def describe(self) -> str:
        """How far the camera went, and whether turning and zooming explain it."""
        frames = len(self.path.keyframes)
        end = self.path.pose_at(1.0)
        moves = f"pan {end.pan:+.1f}, tilt {end.tilt:+.1f}, roll {end.roll:+.1f} degrees"
        lines = [f"{frames} frames. At the last one: {moves}, zoom {end.zoom:.3f}."]
        lines.append(f"The clip is explained to {100 * self.error:.1f} % of the frame's width.")
        if self.error > 0.02:
            lines.append("The camera did more than turn and zoom, or something large moved.")
        return "\n".join(lines)


def fit_path(homographies: Tensor, aspect: float, fov: float, smoothing: float) -> FittedPath:
    """The turns and zooms nearest to `homographies` (T, 3, 3), which map from the first frame.

    `aspect` is height / width; `fov` is that of the first frame; `smoothing` is the standard
    deviation, in frames, of a Gaussian over the path. A flat picture cannot tell a truck from a
    pan, so moves of the camera itself are read as turns and zooms. Raises ValueError for less than
    two homographies, for numbers that are none, and where the camera turned out of sight.
    """
    if len(homographies) < 2:
        raise ValueError(f"The clip has {len(homographies)} frame: a move takes at least 2.")
    if not bool(torch.isfinite(homographies).all()):
        raise ValueError("The clip's motion could not be measured: it is not a finite number.")
    if not (math.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing is {smoothing:g}: use 0 frames or more.")
    points = _grid(aspect)
    poses, errors = [STILL], [0.0]
    for number, matrix in enumerate(homographies[1:].double(), 2):
        try:
            pose, error = _fit(matrix, points, aspect, fov, poses[-1])
        except ValueError as refusal:
            raise ValueError(f"Frame {number} is too far from the first: {refusal}") from None
        poses.append(pose)
        errors.append(error)
    last = len(poses) - 1
    keyframes = tuple(
        Keyframe(i / last, pose, Ease.LINEAR) for i, pose in enumerate(smooth(poses, smoothing))
    )
    return FittedPath(CameraPath(keyframes, fov), max(errors))


def smooth(poses: Sequence[Pose], frames: float) -> list[Pose]:
    """The poses under a Gaussian of `frames`; steady moves stay what they are, to both ends."""
    if frames == 0:
        return list(poses)
    values = torch.tensor([_numbers(pose) for pose in poses], dtype=torch.float64)
    reach = min(len(poses) - 1, math.ceil(3 * frames))
    # Mirrored through the end points, so that a steady move goes on beyond them.
    before = 2 * values[0] - values[1 : reach + 1].flip(0)
    after = 2 * values[-1] - values[-reach - 1 : -1].flip(0)
    extended = torch.cat([before, values, after])
    distance = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (distance / frames) ** 2)
    windows = extended.unfold(0, 2 * reach + 1, 1)
    return [_pose(row) for row in (windows @ (weights / weights.sum())).tolist()]


def _fit(
    matrix: Tensor, points: Tensor, aspect: float, fov: float, start: Pose
) -> tuple[Pose, float]:
    """Gauss-Newton from `start`, over where the points go."""
    goal = _transfer(matrix, points)
    half = torch.tensor([0.5, aspect / 2], dtype=torch.float64)
    weights = torch.where((goal.abs() <= half).all(-1), 1.0, UNSEEN)[:, None]
    values = torch.tensor(_numbers(start), dtype=torch.float64)
    for _ in range(STEPS):
        here = _transfer(_turn_and_zoom(values, fov), points)
        nudged = [
            _transfer(_turn_and_zoom(values + NUDGE * axis, fov), points)
            for axis in torch.eye(len(FITTED), dtype=torch.float64)
        ]
        slopes = torch.stack([(moved - here) / NUDGE * weights for moved in nudged], -1)
        missing = ((goal - here) * weights).flatten()
        step = torch.linalg.lstsq(slopes.flatten(0, 1), missing[:, None]).solution[:, 0]
        values = values + step
        if float(step.abs().max()) < CONVERGED:
            break
    off = (_transfer(_turn_and_zoom(values, fov), points) - goal) * weights
    error = (off.square().sum() / weights.square().sum()).sqrt()
    return _pose(values.tolist()), float(error)


def _turn_and_zoom(values: Tensor, fov: float) -> Tensor:
    pose = _pose(values.tolist())
    rotation, _ = extrinsics(pose)
    return intrinsics(fov, pose.zoom) @ rotation @ torch.linalg.inv(intrinsics(fov))


def _numbers(pose: Pose) -> list[float]:
    """Those that are fitted; zoom as a logarithm, which adds as angles do."""
    return [pose.pan, pose.tilt, pose.roll, math.log(pose.zoom)]


def _pose(numbers: Sequence[float]) -> Pose:
    pan, tilt, roll, log_zoom = numbers
    return replace(STILL, pan=pan, tilt=tilt, roll=roll, zoom=math.exp(log_zoom))


def _grid(aspect: float) -> Tensor:
    """(45, 2) points of the first frame."""
    ys, xs = torch.meshgrid(
        torch.linspace(-aspect / 2, aspect / 2, 5, dtype=torch.float64),
        torch.linspace(-0.5, 0.5, 9, dtype=torch.float64),
        indexing="ij",
    )
    return torch.stack([xs, ys], -1).flatten(0, 1)


def _transfer(matrix: Tensor, points: Tensor) -> Tensor:
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return moved[:, :2] / moved[:, 2:]
