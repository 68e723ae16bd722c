"""Camera moves by the names that film people give them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from .camera import DEFAULT_FOV, CameraPath, Keyframe, Pose
from .easing import Ease
from .shake import Shake

NO_SHAKE = Shake(0.0)
LARGEST_AMOUNT = 100.0


@dataclass(frozen=True)
class Preset:
    """`pose(amount)` is where the move ends; at 1 it is within what SVD follows well.

    `pieces` > 1: moves whose parts keep to a relation are held to it that often on the way.
    `shake_degrees` is shaken at amount 1.
    """

    description: str
    pose: Callable[[float], Pose]
    pieces: int = 1
    shake_degrees: float = 0.0


def _crane(amount: float) -> Pose:
    """The subject at distance 1 stays in the middle of the frame."""
    height = 0.15 * amount
    return Pose(pedestal=height, tilt=-math.degrees(math.atan(height)))


def _dolly_zoom(amount: float) -> Pose:
    """The subject is seen from 1 - dolly and keeps its size."""
    return Pose(dolly=0.2 * amount, zoom=1 - 0.2 * amount)


PRESETS: dict[str, Preset] = {
    "static lock": Preset("a tripod: nothing moves", lambda _: Pose()),
    "push in": Preset("dolly in by 0.15 of the distance", lambda a: Pose(dolly=0.15 * a)),
    "pull out": Preset("dolly out by 0.15 of the distance", lambda a: Pose(dolly=-0.15 * a)),
    "zoom in": Preset("the lens becomes 1.2 times as long", lambda a: Pose(zoom=1.2**a)),
    "zoom out": Preset("the lens becomes 1.2 times as wide", lambda a: Pose(zoom=1.2**-a)),
    "pan left": Preset("turn 8 degrees left", lambda a: Pose(pan=-8 * a)),
    "pan right": Preset("turn 8 degrees right", lambda a: Pose(pan=8 * a)),
    "tilt up": Preset("look 6 degrees up", lambda a: Pose(tilt=6 * a)),
    "tilt down": Preset("look 6 degrees down", lambda a: Pose(tilt=-6 * a)),
    "truck left": Preset("go left by 0.12 of the distance", lambda a: Pose(truck=-0.12 * a)),
    "truck right": Preset("go right by 0.12 of the distance", lambda a: Pose(truck=0.12 * a)),
    "pedestal up": Preset("rise by 0.1 of the distance", lambda a: Pose(pedestal=0.1 * a)),
    "pedestal down": Preset("sink by 0.1 of the distance", lambda a: Pose(pedestal=-0.1 * a)),
    "crane up": Preset("rise by 0.15 and look down at the subject", _crane),
    "crane down": Preset("sink by 0.15 and look up at the subject", lambda a: _crane(-a)),
    "orbit left": Preset("go 10 degrees around the subject, left", lambda a: Pose(orbit=-10 * a)),
    "orbit right": Preset("go 10 degrees around the subject, right", lambda a: Pose(orbit=10 * a)),
    "roll clockwise": Preset("lean 6 degrees clockwise (dutch)", lambda a: Pose(roll=6 * a)),
    "roll counter-clockwise": Preset("lean 6 degrees the other way", lambda a: Pose(roll=-6 * a)),
    "dolly zoom": Preset(
        "dolly in by 0.2 while the lens widens: the subject keeps its size", _dolly_zoom, pieces=4
    ),
    "handheld": Preset("unrest of 0.6 degrees", lambda _: Pose(), shake_degrees=0.6),
}


def make(
    name: str,
    amount: float = 1.0,
    ease: Ease = Ease.IN_OUT,
    fov: float = DEFAULT_FOV,
    shake: Shake = NO_SHAKE,
) -> CameraPath:
    """The path of preset `name`; 0 is none of it, negative amounts are the opposite move.

    `shake` is added to the move; handheld makes its own stronger, with its cycles and seed.
    Raises ValueError for a name that is none, an amount that is no number, and amounts that leave
    a `Pose`'s range.
    """
    if name not in PRESETS:
        raise ValueError(f'"{name}" is no camera move: use one of {", ".join(PRESETS)}.')
    if not abs(amount) <= LARGEST_AMOUNT:
        raise ValueError(
            f"The amount is {amount:g}: use a number up to {LARGEST_AMOUNT:g}; 1 is a good move, "
            "0 is none."
        )
    preset = PRESETS[name]
    keyframes = [Keyframe(0.0)]
    for piece in range(1, preset.pieces + 1):
        before, here = (piece - 1) / preset.pieces, piece / preset.pieces
        pose = preset.pose(amount * ease.at(here))
        keyframes.append(Keyframe(here, pose, ease.part(before, here)))
    degrees = shake.degrees + preset.shake_degrees * abs(amount)
    shaken = replace(shake, degrees=degrees) if degrees else None
    return CameraPath(tuple(keyframes), fov, shaken)
