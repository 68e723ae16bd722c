"""Camera paths made of camera paths: one after the other, at once, backwards, slower, in a loop.

All of it is exact: keyframes are moved and eases cut, nothing is sampled. Every path is taken
relative to where it begins, so poses add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

from .camera import CameraPath, Keyframe
from .shake import WHOLE, Shake

SHORTEST_SHARE = 0.01  # of the clip, that a path is squeezed into
FASTEST = 1 / SHORTEST_SHARE
MOST_TIMES = 50


def chain(first: CameraPath, second: CameraPath, share: float = 0.5) -> CameraPath:
    """`first` during `share` 0..1 of the clip, then `second` from where it ended.

    Raises ValueError for a share outside 0.01..0.99, for paths of different `fov`, and where the
    sum leaves a `Pose`'s range.
    """
    _require_share(share, "The first path's share of the clip")
    _require_same_lens(first, second)
    before, after = _placed(first, 0.0, share), _placed(second, share, 1.0)
    end, start = before.smooth_pose(1.0), after.smooth_pose(0.0)
    # One line of keyframes while that is enough: an editor shows one better than two.
    keyframes = [*before.keyframes, Keyframe(share, end)]
    for keyframe in after.keyframes:
        keyframes.append(replace(keyframe, pose=end.plus(keyframe.pose.since(start))))
    joined = CameraPath(
        _in_order(keyframes), first.fov, before.shake, (*before.layers, *after.layers)
    )
    return _with_shake(joined, after.shake)


def together(first: CameraPath, second: CameraPath) -> CameraPath:
    """Both moves at once. Raises ValueError as `chain` does."""
    _require_same_lens(first, second)
    layers = (*first.layers, *second.layers)
    one, other = replace(first, layers=()), replace(second, layers=())
    keyframes = _sum_of_keyframes(one, other)
    if keyframes is None:
        return replace(first, layers=(other, *layers))
    return _with_shake(replace(first, keyframes=keyframes, layers=layers), second.shake)


def reverse(path: CameraPath) -> CameraPath:
    """From the last frame back to the first."""

    def backwards(keyframes: tuple[Keyframe, ...]) -> list[Keyframe]:
        last = replace(keyframes[-1], time=1 - keyframes[-1].time)
        earlier = [
            Keyframe(1 - before.time, before.pose, after.ease.backwards())
            for before, after in pairwise(keyframes)
        ]
        return [last, *reversed(earlier)]

    return _retimed(path, backwards, Shake.backwards)


def part(path: CameraPath, start: float, end: float) -> CameraPath:
    """What happens during `start`..`end` 0..1 of the clip, over the whole clip.

    So a long move is shot as two clips, the second of which begins with the first one's last frame.
    Raises ValueError when that is less than a hundredth of the clip.
    """
    if not (start >= 0 and end <= 1 and end - start >= SHORTEST_SHARE):
        raise ValueError(
            f"The part of the path is {start:g} to {end:g}: use 0 to 1, with at least "
            f"{SHORTEST_SHARE:g} between them."
        )

    def within(keyframes: tuple[Keyframe, ...]) -> list[Keyframe]:
        whole = CameraPath(keyframes)
        kept = [Keyframe(0.0, whole.smooth_pose(start))]
        if start < keyframes[0].time < end:
            kept.append(Keyframe((keyframes[0].time - start) / (end - start), keyframes[0].pose))
        for before, after in pairwise(keyframes):
            first, last = max(start, before.time), min(end, after.time)
            if first >= last:
                continue
            length = after.time - before.time
            ease = after.ease.part((first - before.time) / length, (last - before.time) / length)
            time = min(1.0, (last - start) / (end - start))
            kept.append(Keyframe(time, whole.smooth_pose(last), ease))
        return kept

    return _retimed(path, within, lambda shake: shake.cut(start, end))


def with_speed(path: CameraPath, speed: float) -> CameraPath:
    """`speed` times as fast: below 1 it is cut at the clip's end, above 1 it is done early.

    Raises ValueError for a speed outside 0.01..100.
    """
    if not SHORTEST_SHARE <= speed <= FASTEST:
        raise ValueError(
            f"The speed is {speed:g}: use {SHORTEST_SHARE:g} to {FASTEST:g}; 1 leaves the path as "
            "it is, 0.5 plays half of it."
        )
    return part(path, 0.0, speed) if speed < 1 else _placed(path, 0.0, 1 / speed)


def hold(path: CameraPath, before: float = 0.0, after: float = 0.0) -> CameraPath:
    """Wait for the share `before` of the clip, move, and wait for the share `after`.

    Raises ValueError when that leaves less than a hundredth for the move.
    """
    if not (before >= 0 and after >= 0 and 1 - before - after >= SHORTEST_SHARE):
        raise ValueError(
            f"Holding {before:g} of the clip before the move and {after:g} after it: use 0 or "
            f"more, and leave at least {SHORTEST_SHARE:g} for the move."
        )
    return _placed(path, before, 1 - after)


def loop(path: CameraPath, times: int = 1) -> CameraPath:
    """There and back, `times` in the clip: the last frame is at the first pose again.

    A shake that lasts the whole clip becomes one of whole cycles instead of turning round.
    Raises ValueError for less than one time or more than 50.
    """
    if not 1 <= times <= MOST_TIMES:
        raise ValueError(f"There and back {times} times: use 1 to {MOST_TIMES}.")
    shakes = []

    def set_aside(shake: Shake) -> Shake | None:
        if shake.during != WHOLE:
            return shake
        shakes.append(replace(shake, closed=True, part=WHOLE))
        return None

    bare = _retimed(path, tuple, set_aside)
    once = chain(bare, reverse(bare))
    looped = once
    for done in range(1, times):
        looped = chain(looped, once, done / (done + 1))
    for shake in shakes:
        looped = _with_shake(looped, shake)
    return looped


def _placed(path: CameraPath, begin: float, end: float) -> CameraPath:
    """Squeezed into `begin`..`end` of the clip; before and after it waits."""
    length = end - begin

    def squeezed(keyframes: tuple[Keyframe, ...]) -> list[Keyframe]:
        return [replace(k, time=min(1.0, begin + length * k.time)) for k in keyframes]

    return _retimed(path, squeezed, lambda shake: shake.placed(begin, end))


def _retimed(
    path: CameraPath,
    keyframes: Callable[[tuple[Keyframe, ...]], Iterable[Keyframe]],
    shake: Callable[[Shake], Shake | None],
) -> CameraPath:
    """The path with its keyframes and shakes replaced, in every layer that then still moves."""
    layers = (_retimed(layer, keyframes, shake) for layer in path.layers)
    return CameraPath(
        _in_order(keyframes(path.keyframes)),
        path.fov,
        shake(path.shake) if path.shake else None,
        tuple(layer for layer in layers if not layer.is_still),
    )


def _in_order(keyframes: Iterable[Keyframe]) -> tuple[Keyframe, ...]:
    """Of keyframes that moving put at one time, the last."""
    kept: list[Keyframe] = []
    for keyframe in keyframes:
        if kept and keyframe.time <= kept[-1].time:
            keyframe = replace(kept.pop(), pose=keyframe.pose)
        kept.append(keyframe)
    return tuple(kept)


def _sum_of_keyframes(first: CameraPath, second: CameraPath) -> tuple[Keyframe, ...] | None:
    """Keyframes of both at once, or None when no keyframes could be that."""
    for moving, resting in ((first, second), (second, first)):
        if replace(resting, shake=None).is_still:
            return moving.keyframes
    pairs = list(zip(first.keyframes, second.keyframes, strict=False))
    alike = len(first.keyframes) == len(second.keyframes) and all(
        a.time == b.time and a.ease == b.ease for a, b in pairs
    )
    if not alike:
        return None
    return tuple(replace(a, pose=a.pose.plus(b.pose)) for a, b in pairs)


def _with_shake(path: CameraPath, shake: Shake | None) -> CameraPath:
    if shake is None:
        return path
    if path.shake is None:
        return replace(path, shake=shake)
    layer = CameraPath((Keyframe(0.0),), path.fov, shake)
    return replace(path, layers=(*path.layers, layer))


def _require_share(share: float, what: str) -> None:
    if not SHORTEST_SHARE <= share <= 1 - SHORTEST_SHARE:
        raise ValueError(
            f"{what} is {share:g}: use {SHORTEST_SHARE:g} to {1 - SHORTEST_SHARE:g}; 0.5 is half."
        )


def _require_same_lens(first: CameraPath, second: CameraPath) -> None:
    if first.fov != second.fov:
        raise ValueError(
            f"The first path is for a lens of {first.fov:g} degrees and the second for "
            f"{second.fov:g}: give both the same fov."
        )
