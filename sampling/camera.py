"""Where the camera is and looks, over the time of a clip.

One sign for every move, as the operator of the camera would name it (`docs/camera.md` has a
picture of each): pan > 0 turns right, tilt > 0 turns up, roll > 0 leans clockwise, zoom > 1 is a
longer lens, truck > 0 goes right, pedestal > 0 goes up, dolly > 0 goes in, orbit > 0 goes around
the subject to the right and keeps facing it. What is in the picture goes the other way.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

from .easing import Ease, Slopes
from .shake import Shake

DEFAULT_FOV = 50.0
LARGEST_TURN = 90.0
LARGEST_ZOOM = 10.0
CLOSEST_DOLLY = 0.95  # at 1 the camera is where the subject is


@dataclass(frozen=True)
class Pose:
    """The camera at one moment, relative to the camera that took the picture.

    pan, tilt, roll, orbit in degrees; zoom is a factor of the focal length; truck, pedestal and
    dolly in units of the distance to the subject, which the picture is taken to lie at.
    """

    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0
    truck: float = 0.0
    pedestal: float = 0.0
    dolly: float = 0.0
    orbit: float = 0.0

    def __post_init__(self) -> None:
        for name in MOVES:
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}: it must be a finite number.")
        for name in ("pan", "tilt", "orbit"):
            if abs(getattr(self, name)) >= LARGEST_TURN:
                raise ValueError(
                    f"{name} is {getattr(self, name):g} degrees: the picture is out of sight at "
                    f"{LARGEST_TURN:g}. SVD follows about 15 in a clip."
                )
        if not 1 / LARGEST_ZOOM <= self.zoom <= LARGEST_ZOOM:
            raise ValueError(
                f"zoom is {self.zoom:g}: it is a factor between {1 / LARGEST_ZOOM:g} and "
                f"{LARGEST_ZOOM:g}; 1 is none."
            )
        if self.dolly > CLOSEST_DOLLY:
            raise ValueError(
                f"dolly is {self.dolly:g}: at 1 the camera is inside the subject; use at most "
                f"{CLOSEST_DOLLY:g}."
            )

    @property
    def moves_the_camera(self) -> bool:
        """True when it stands elsewhere: then how far things are matters."""
        return any((self.truck, self.pedestal, self.dolly, self.orbit))

    def plus(self, other: Pose) -> Pose:
        """Both moves at once."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in MOVES}
        return Pose(**sums | {"zoom": self.zoom * other.zoom})

    def since(self, other: Pose) -> Pose:
        """What has to be added to `other` to be here."""
        differences = {name: getattr(self, name) - getattr(other, name) for name in MOVES}
        return Pose(**differences | {"zoom": self.zoom / other.zoom})

    def scaled(self, factor: float) -> Pose:
        """`factor` times the move; -1 is its opposite."""
        scaled = {name: getattr(self, name) * factor for name in MOVES}
        return Pose(**scaled | {"zoom": self.zoom**factor})

    def towards(self, other: Pose, share: float) -> Pose:
        """`share` 0..1 of the way to `other`."""
        rest = 1 - share
        sums = {n: rest * getattr(self, n) + share * getattr(other, n) for n in MOVES}
        return Pose(**sums | {"zoom": self.zoom**rest * other.zoom**share})


MOVES = tuple(field.name for field in fields(Pose))
STILL = Pose()


@dataclass(frozen=True)
class Keyframe:
    """`pose` at `time`, which is 0 at the first frame and 1 at the last; `ease` leads to it."""

    time: float
    pose: Pose = STILL
    ease: Ease | Slopes = Ease.IN_OUT


@dataclass(frozen=True)
class CameraPath:
    """Keyframes in order of time, `fov` degrees across the width of the picture, and a shake.

    Before the first keyframe and after the last the camera waits. Everything is taken relative to
    where it is at time 0, because the picture is what it sees there. `layers` are moves at the
    same time with keyframes of their own, which are added; a layer has the same `fov` and no
    layers. Raises ValueError for keyframes out of order or outside 0..1, and for one that is out
    of a `Pose`'s range.
    """

    keyframes: tuple[Keyframe, ...]
    fov: float = DEFAULT_FOV
    shake: Shake | None = None
    layers: tuple[CameraPath, ...] = ()

    def __post_init__(self) -> None:
        if not self.keyframes:
            raise ValueError("The camera path has no keyframes: it needs at least one.")
        if not 1 <= self.fov <= 150:
            raise ValueError(f"fov is {self.fov:g} degrees: use 1 to 150; a normal lens has 50.")
        _require_order([keyframe.time for keyframe in self.keyframes])
        if any(layer.fov != self.fov or layer.layers for layer in self.layers):
            raise ValueError("A layer of a camera path has the path's fov and no layers itself.")
        for number, keyframe in enumerate(self.keyframes, 1):
            try:
                self.pose_at(keyframe.time)
            except ValueError as error:
                raise ValueError(f"Keyframe {number}, seen from the first frame: {error}") from None

    def pose_at(self, time: float) -> Pose:
        """The camera at `time` 0..1, shake and layers included."""
        pose = self.smooth_pose(time).since(self.smooth_pose(0.0))
        if self.shake:
            pose = pose.plus(Pose(*self.shake.at(time)))
        for layer in self.layers:
            pose = pose.plus(layer.pose_at(time))
        return pose

    def poses(self, num_frames: int) -> tuple[Pose, ...]:
        """One a frame; the first is `STILL`."""
        return tuple(self.pose_at(i / max(1, num_frames - 1)) for i in range(num_frames))

    @property
    def is_still(self) -> bool:
        first = self.keyframes[0].pose
        shaken = self.shake is not None and self.shake.degrees > 0
        rests = not shaken and all(k.pose == first for k in self.keyframes)
        return rests and all(layer.is_still for layer in self.layers)

    def scaled(self, factor: float) -> CameraPath:
        """The same path `factor` times as far; -1 mirrors it."""
        return CameraPath(
            tuple(replace(k, pose=k.pose.scaled(factor)) for k in self.keyframes),
            self.fov,
            self.shake.scaled(abs(factor)) if self.shake else None,
            tuple(layer.scaled(factor) for layer in self.layers),
        )

    def smooth_pose(self, time: float) -> Pose:
        """What the keyframes alone say for `time`."""
        index = bisect_right(self.keyframes, time, key=lambda keyframe: keyframe.time)
        if index == 0:
            return self.keyframes[0].pose
        before = self.keyframes[index - 1]
        if index == len(self.keyframes):
            return before.pose
        after = self.keyframes[index]
        share = after.ease.at((time - before.time) / (after.time - before.time))
        return before.pose.towards(after.pose, share)


def _require_order(times: Sequence[float]) -> None:
    for number, time in enumerate(times, 1):
        if not math.isfinite(time) or time < 0:
            raise ValueError(f"Keyframe {number} is at time {time:g}: use 0 to 1.")
        if time > 1:
            raise ValueError(
                f"Keyframe {number} is at time {time:g}, but the clip ends at 1: the path is "
                "longer than the clip. Times count from 0 (first frame) to 1 (last frame)."
            )
    for number, (before, after) in enumerate(pairwise(times), 2):
        if after <= before:
            raise ValueError(
                f"Keyframe {number} is at time {after:g}, not after {before:g}, the one before "
                "it: put keyframes in order of time."
            )


def straight(pose: Pose, ease: Ease = Ease.IN_OUT, fov: float = DEFAULT_FOV) -> CameraPath:
    """From the picture to `pose` over the whole clip."""
    return CameraPath((Keyframe(0.0), Keyframe(1.0, pose, ease)), fov)


def still() -> CameraPath:
    """A camera on a tripod."""
    return CameraPath((Keyframe(0.0),))


def largest_turn(poses: Sequence[Pose]) -> float:
    """Degrees between the first view and the one furthest from it, by pan, tilt and orbit."""
    return max(math.hypot(pose.pan, pose.tilt, pose.orbit) for pose in poses)
