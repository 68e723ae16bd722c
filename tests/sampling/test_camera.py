from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.sampling.camera import (
    MOVES,
    STILL,
    CameraPath,
    Keyframe,
    Pose,
    largest_turn,
    still,
    straight,
)
from svd_studio.sampling.easing import SLOPES, Ease, Slopes, named
from svd_studio.sampling.shake import Shake, draw

from .camera_paths import EASES, POSES, paths, shakes

FAR = Pose(pan=8, tilt=-4, roll=3, zoom=1.2, truck=0.1, pedestal=-0.1, dolly=0.2, orbit=5)


def near(pose):
    return pytest.approx([getattr(pose, name) for name in MOVES], abs=1e-9)


def numbers(pose):
    return [getattr(pose, name) for name in MOVES]


@settings(max_examples=30)
@given(path=paths(), frames=st.integers(1, 40))
def test_the_first_frame_is_where_the_picture_was_taken(path, frames):
    poses = path.poses(frames)
    assert len(poses) == frames
    assert numbers(poses[0]) == near(STILL)


@pytest.mark.parametrize("ease", Ease, ids=lambda ease: ease.value)
@given(frames=st.integers(2, 40))
def test_the_last_frame_is_where_the_move_ends(ease, frames):
    assert numbers(straight(FAR, ease).poses(frames)[-1]) == near(FAR)


def test_a_linear_move_goes_by_the_same_amount_every_frame():
    poses = straight(FAR, Ease.LINEAR).poses(5)
    assert [pose.pan for pose in poses] == pytest.approx([0, 2, 4, 6, 8])
    assert [pose.zoom for pose in poses] == pytest.approx([1.2 ** (i / 4) for i in range(5)])


def test_the_camera_waits_before_the_first_keyframe_and_after_the_last():
    path = CameraPath((Keyframe(0.4), Keyframe(0.6, Pose(pan=8))))
    pans = [pose.pan for pose in path.poses(6)]
    assert pans[:3] == [0, 0, 0]
    assert pans[3:] == [8, 8, 8]


def test_poses_are_relative_to_the_first_frame():
    path = CameraPath((Keyframe(0, Pose(pan=5, zoom=2)), Keyframe(1, Pose(pan=8, zoom=1))))
    assert numbers(path.pose_at(1)) == near(Pose(pan=3, zoom=0.5))


def test_a_pose_far_out_can_be_left_again():
    path = CameraPath((Keyframe(0, Pose(dolly=-2)), Keyframe(1, Pose(dolly=-1.5))))
    assert path.pose_at(1).dolly == 0.5


@given(first=POSES, second=POSES)
def test_since_is_the_opposite_of_plus(first, second):
    assert numbers(first.plus(second).since(second)) == near(first)


@settings(max_examples=30)
@given(path=paths(), factor=st.floats(-1, 1), time=st.floats(0, 1))
def test_a_scaled_path_goes_that_much_further(path, factor, time):
    moves = replace(path, shake=None, layers=())
    expected = moves.pose_at(time).scaled(factor)
    assert numbers(moves.scaled(factor).pose_at(time)) == near(expected)


@settings(max_examples=30)
@given(path=paths())
def test_a_path_scaled_to_nothing_is_still(path):
    assert path.scaled(0).is_still
    assert all(numbers(pose) == near(STILL) for pose in path.scaled(0).poses(7))


def test_layers_are_added():
    pan = straight(Pose(pan=8), Ease.LINEAR)
    path = replace(pan, layers=(CameraPath((Keyframe(0.5), Keyframe(1, Pose(tilt=4)))),))
    assert [(p.pan, p.tilt) for p in path.poses(3)] == [(0, 0), (4, 0), (8, 4)]


def test_a_path_is_still_when_nothing_in_it_moves():
    assert still().is_still
    assert CameraPath((Keyframe(0, FAR), Keyframe(1, FAR))).is_still
    assert replace(still(), shake=Shake(0.0)).is_still
    assert not replace(still(), shake=Shake(0.1)).is_still
    assert not replace(still(), layers=(straight(Pose(pan=1)),)).is_still


def test_the_largest_turn_is_the_view_furthest_from_the_first():
    path = CameraPath((Keyframe(0), Keyframe(0.5, Pose(pan=3, tilt=4)), Keyframe(1)))
    assert largest_turn(path.poses(5)) == pytest.approx(5)


@given(ease=EASES, first=st.floats(0, 1), second=st.floats(0, 1))
def test_an_ease_never_turns_back(ease, first, second):
    low, high = sorted((first, second))
    assert -1e-9 <= ease.at(low) <= ease.at(high) + 1e-9 <= 1 + 2e-9


@given(
    ease=EASES,
    cut=st.tuples(st.integers(0, 1000), st.integers(0, 1000)).filter(lambda c: c[0] < c[1]),
    t=st.floats(0, 1),
)
def test_a_part_of_an_ease_is_what_the_whole_does_there(ease, cut, t):
    if isinstance(ease, Ease) and "jump" in ease.value:
        return  # a cut through a jump is at one side of it
    start, end = (place / 1000 for place in cut)
    below, above = ease.at(start), ease.at(end)
    expected = ease.at(start + (end - start) * t)
    assert below + (above - below) * ease.part(start, end).at(t) == pytest.approx(
        expected, abs=1e-9
    )


@given(ease=EASES, t=st.integers(0, 1024).map(lambda n: n / 1024))
def test_an_ease_backwards_is_its_mirror_image(ease, t):  # 1 - t is exact for these
    assert ease.backwards().at(1 - t) == pytest.approx(1 - ease.at(t), abs=1e-9)


@pytest.mark.parametrize(
    ("ease", "formula"),
    [
        (Ease.LINEAR, lambda t: t),
        (Ease.IN, lambda t: t * t),
        (Ease.OUT, lambda t: t * (2 - t)),
        (Ease.IN_OUT, lambda t: t * t * (3 - 2 * t)),
    ],
    ids=["linear", "in", "out", "in-out"],
)
def test_smooth_eases_are_the_usual_ones(ease, formula):
    times = [i / 8 for i in range(9)]
    assert [ease.at(t) for t in times] == pytest.approx([formula(t) for t in times])
    assert named(SLOPES[ease]) is ease


@pytest.mark.parametrize(("start", "end"), [(-0.1, 1), (1, math.nan), (4, 4), (3.5, 0.1), (9, 0)])
def test_slopes_that_turn_back_are_refused(start, end):
    with pytest.raises(ValueError, match="turns back"):
        Slopes(start, end)


def test_numbers_of_a_seed_are_these_on_every_machine():
    assert [draw(7, i) * 2**32 for i in range(3)] == [588_686_121, 1_937_383_562, 4_286_812_467]


@given(seed=st.integers(0, 2**32 - 1))
def test_numbers_of_a_seed_differ(seed):
    drawn = [draw(seed, i) for i in range(9)]
    assert len(set(drawn)) == 9
    assert all(0 <= number < 1 for number in drawn)


@given(shake=shakes(), time=st.floats(0, 1))
def test_a_shake_starts_from_rest_and_stays_within_its_degrees(shake, time):
    assert shake.at(0.0) == (0, 0, 0)
    assert all(
        abs(angle) <= 2 * shake.degrees * reach + 1e-9
        for angle, reach in zip(shake.at(time), (1, 1, 0.5), strict=True)
    )


def test_a_shake_moves_about_as_far_as_it_says():
    for seed in range(20):
        path = replace(still(), shake=Shake(0.5, 3, seed))
        pans = [pose.pan for pose in path.poses(100)]
        assert 0.5 < max(pans) - min(pans) < 1.0


@given(shake=shakes(), time=st.floats(0, 1))
def test_a_shake_backwards_is_what_it_was_at_the_other_end(shake, time):
    end, there = shake.at(1), shake.at(1 - time)
    expected = [a - b for a, b in zip(there, end, strict=True)]
    assert list(shake.backwards().at(time)) == pytest.approx(expected, abs=1e-9)


@given(degrees=st.floats(0, 2), cycles=st.floats(0.1, 20), seed=st.integers(0, 2**32 - 1))
def test_a_closed_shake_ends_where_it_began(degrees, cycles, seed):
    assert Shake(degrees, cycles, seed, closed=True).at(1.0) == pytest.approx((0, 0, 0), abs=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Pose(pan=math.nan), "pan is nan: it must be a finite number"),
        (lambda: Pose(truck=math.inf), "truck is inf"),
        (lambda: Pose(orbit=90), "orbit is 90 degrees: the picture is out of sight"),
        (lambda: Pose(zoom=0), "zoom is 0: it is a factor between 0.1 and 10"),
        (lambda: Pose(dolly=1), "dolly is 1: at 1 the camera is inside the subject"),
        (lambda: CameraPath(()), "no keyframes"),
        (lambda: CameraPath((Keyframe(0),), fov=180), "fov is 180 degrees"),
        (lambda: CameraPath((Keyframe(0),), fov=math.nan), "fov is nan"),
        (lambda: CameraPath((Keyframe(-1),)), "Keyframe 1 is at time -1: use 0 to 1"),
        (lambda: CameraPath((Keyframe(0), Keyframe(2))), "longer than the clip"),
        (lambda: CameraPath((Keyframe(0.5), Keyframe(0.5))), "in order of time"),
        (lambda: CameraPath((Keyframe(0.5), Keyframe(0.2))), "Keyframe 2 is at time 0.2"),
        (
            lambda: CameraPath((Keyframe(0, Pose(pan=-50)), Keyframe(1, Pose(pan=50)))),
            "Keyframe 2, seen from the first frame: pan is 100 degrees",
        ),
        (lambda: replace(still(), layers=(replace(still(), fov=20),)), "the path's fov"),
        (lambda: Shake(50), "Shake of 50 degrees"),
        (lambda: Shake(1, 0), "0 cycles"),
        (lambda: Shake(1, seed=2**32), "seed is 4294967296"),
        (lambda: Shake(1, during=(0.5, 0.5)), "an end after the beginning"),
        (lambda: Shake(1, part=(0, 2)), "from 0 to 2 of its course"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        make()
