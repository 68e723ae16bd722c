from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from svd_studio.sampling.camera import MOVES, STILL, CameraPath, Keyframe, Pose, still, straight
from svd_studio.sampling.camera_moves import chain, hold, loop, part, reverse, together, with_speed
from svd_studio.sampling.easing import Ease
from svd_studio.sampling.shake import Shake

from .camera_paths import SMOOTH, paths, single_paths

SHARES = st.integers(1, 99).map(lambda hundredth: hundredth / 100)
TIMES = st.floats(0, 1)
SOME = settings(max_examples=30)  # a path takes hypothesis a while to draw
PAN, TILT = straight(Pose(pan=8)), straight(Pose(tilt=4))


def near(pose):
    return pytest.approx([getattr(pose, name) for name in MOVES], abs=1e-7)


def numbers(pose):
    return [getattr(pose, name) for name in MOVES]


def assert_moves_alike(path, pose_at, times=11):
    """At regular times and between them, but not at the very time of a jump."""
    for i in range(times):
        time = (i + 0.4142) / times
        assert numbers(path.pose_at(time)) == near(pose_at(time))


@SOME
@given(first=paths(), second=paths(), share=SHARES)
def test_a_chain_plays_the_first_path_and_then_the_second(first, second, share):
    chained = chain(first, second, share)
    end = first.pose_at(1)

    def expected(time):
        if time <= share:
            return first.pose_at(time / share)
        return end.plus(second.pose_at((time - share) / (1 - share)))

    assert_moves_alike(chained, expected)
    assert numbers(chained.pose_at(1)) == near(end.plus(second.pose_at(1)))


@SOME
@given(first=paths(), second=paths(), time=TIMES)
def test_together_is_the_sum_of_both(first, second, time):
    expected = first.pose_at(time).plus(second.pose_at(time))
    assert numbers(together(first, second).pose_at(time)) == near(expected)


@SOME
@given(path=paths())
def test_a_reversed_path_is_seen_from_its_other_end(path):
    end = path.pose_at(1)
    assert_moves_alike(reverse(path), lambda time: path.pose_at(1 - time).since(end))


@SOME
@given(path=paths())
def test_reversed_twice_is_the_path(path):
    assert_moves_alike(reverse(reverse(path)), path.pose_at)


@SOME
@given(path=paths(), cut=st.tuples(SHARES, SHARES))
def test_a_part_of_a_path_is_what_the_whole_does_there(path, cut):
    start, end = sorted(cut)
    assume(end - start >= 0.01)
    first = path.pose_at(start)
    assert_moves_alike(
        part(path, start, end), lambda t: path.pose_at(start + (end - start) * t).since(first)
    )


@SOME
@given(path=paths(), speed=st.integers(2, 400).map(lambda percent: percent / 100))
def test_a_path_at_another_speed_is_the_same_path(path, speed):
    assert_moves_alike(with_speed(path, speed), lambda t: path.pose_at(min(1.0, t * speed)))


@SOME
@given(path=paths(), before=st.floats(0, 0.4), after=st.floats(0, 0.4))
def test_a_held_path_waits_moves_and_waits(path, before, after):
    def expected(time):
        return path.pose_at(min(1.0, max(0.0, (time - before) / (1 - before - after))))

    assert_moves_alike(hold(path, before, after), expected)


@SOME
@given(path=paths(), times=st.integers(1, 4))
def test_a_loop_ends_where_it_began(path, times):
    poses = loop(path, times).poses(9)
    assert numbers(poses[0]) == near(STILL)
    assert numbers(poses[-1]) == near(STILL)


@SOME
@given(path=paths(shake=False), times=st.integers(1, 4))
def test_a_loop_goes_there_and_back(path, times):
    def expected(time):
        phase = time * times % 1
        return path.pose_at(2 * phase if phase < 0.5 else 2 - 2 * phase)

    assert_moves_alike(loop(path, times), expected)


def test_a_shake_in_a_loop_has_whole_cycles_and_no_turning_point():
    looped = loop(replace(still(), shake=Shake(0.5, 2.3, 4)), 3)
    assert looped.shake == Shake(0.5, 2.3, 4, closed=True)
    step = 1e-6
    speeds = [looped.pose_at(t + step).pan - looped.pose_at(t).pan for t in (0, 1 - step)]
    assert speeds[0] == pytest.approx(speeds[1], rel=1e-3)


@SOME
@given(path=paths(), share=SHARES)
def test_every_result_begins_with_the_picture(path, share):
    results = [
        chain(path, path, share),
        together(path, path),
        reverse(path),
        with_speed(path, share),
        with_speed(path, 1 / share),
        hold(path, share / 2, share / 3),
        loop(path, 2),
    ]
    assert all(numbers(result.pose_at(0)) == near(STILL) for result in results)


@SOME
@given(path=single_paths(SMOOTH), share=SHARES)
def test_a_path_cut_in_two_and_chained_is_whole_again(path, share):
    halves = part(path, 0, share), part(path, share, 1)
    assert_moves_alike(chain(*halves, share), path.pose_at)


def test_moves_with_the_same_eases_stay_on_one_line_of_keyframes():
    both = together(PAN, TILT)
    assert both == straight(Pose(pan=8, tilt=4))


def test_moves_with_different_eases_become_layers():
    both = together(PAN, straight(Pose(tilt=4), Ease.LINEAR))
    assert len(both.layers) == 1


def test_what_rests_adds_no_layer():
    shaken = replace(still(), shake=Shake(0.4, seed=3))
    assert together(PAN, shaken) == replace(PAN, shake=shaken.shake)
    assert together(still(), PAN) == PAN


def test_a_chain_stays_on_one_line_of_keyframes():
    assert chain(PAN, TILT, 0.25).keyframes == (
        Keyframe(0.0),
        Keyframe(0.25, Pose(pan=8)),
        Keyframe(1.0, Pose(pan=8, tilt=4)),
    )


def test_both_shakes_of_a_chain_are_kept():
    first, second = (replace(PAN, shake=Shake(0.4, seed=seed)) for seed in (1, 2))
    chained = chain(first, second)
    assert [chained.shake.during, chained.layers[0].shake.during] == [(0, 0.5), (0.5, 1)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: chain(PAN, TILT, 1.0), "share of the clip is 1: use 0.01 to 0.99"),
        (lambda: chain(PAN, replace(TILT, fov=30)), "50 degrees and the second for 30"),
        (lambda: together(PAN, replace(TILT, fov=30)), "give both the same fov"),
        (lambda: chain(PAN.scaled(7), PAN.scaled(7)), "pan is 112 degrees"),
        (lambda: part(PAN, 0.5, 0.5), "The part of the path is 0.5 to 0.5"),
        (lambda: part(PAN, -1, 1), "The part of the path is -1 to 1"),
        (lambda: part(PAN, 0, float("nan")), "The part of the path is 0 to nan"),
        (lambda: with_speed(PAN, 0), "The speed is 0: use 0.01 to 100"),
        (lambda: hold(PAN, 0.5, 0.5), "leave at least 0.01"),
        (lambda: hold(PAN, -0.5), "use 0 or more"),
        (lambda: loop(PAN, 0), "There and back 0 times: use 1 to 50"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_cut_through_a_jump_is_at_one_side_of_it():
    jump = CameraPath((Keyframe(0), Keyframe(1, Pose(pan=8), Ease.JUMP)))
    assert part(jump, 0, 0.5).pose_at(1) == STILL
    assert part(reverse(jump), 0, 0.5).pose_at(0.01).pan == -8
