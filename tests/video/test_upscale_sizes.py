"""The exact size of a film, for every frame, target and rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.upscale.sizes import WORTH_A_RUN, Rule, Target, plan_size

sides = st.integers(1, 5000)
frames = st.tuples(sides, sides)
boxes = st.tuples(st.integers(2, 8192), st.integers(2, 8192))
scales = st.sampled_from([0, 1, 2, 3, 4, 8])


@given(frames, boxes, scales, st.sampled_from([Rule.CROP, Rule.PAD, Rule.STRETCH]))
def test_the_frame_has_exactly_the_size_that_was_asked_for(frame, box, scale, rule):
    plan = plan_size(frame, Target.CUSTOM, rule, box, scale)
    assert plan.size == box
    for side, picture, at in zip(plan.size, plan.picture, plan.picture_at, strict=True):
        assert picture >= 1
        if rule is Rule.PAD:
            assert 0 <= at <= at + picture <= side
        else:
            assert at <= 0
            assert side <= at + picture


@given(frames, boxes)
def test_fit_is_inside_with_even_sides_and_touches_two_edges(frame, box):
    plan = plan_size(frame, Target.CUSTOM, Rule.FIT, box, 2)
    assert plan.size == plan.picture
    assert not plan.size[0] % 2
    assert not plan.size[1] % 2
    assert all(side <= most for side, most in zip(plan.size, box, strict=True))
    assert any(side > most - 2 for side, most in zip(plan.size, box, strict=True))


@given(frames, boxes, st.sampled_from([Rule.CROP, Rule.PAD, Rule.FIT]))
def test_proportions_are_kept_but_for_rounding(frame, box, rule):
    plan = plan_size(frame, Target.CUSTOM, rule, box, 2)
    across, down = (p / s for p, s in zip(plan.picture, plan.source_size, strict=True))
    # Sides are whole pixels, for fit even ones, and at least 1 or 2.
    off = 2 if rule is Rule.FIT else 1
    assert abs(across - down) * min(plan.source_size) <= off + 1e-6 or min(plan.picture) <= 2


@given(frames, boxes)
def test_a_crop_shows_the_middle(frame, box):
    plan = plan_size(frame, Target.CUSTOM, Rule.CROP, box, 2)
    for side, used, at in zip(frame, plan.source_size, plan.source_at, strict=True):
        assert side - used == 2 * at or used == side
    for side, picture, at in zip(plan.size, plan.picture, plan.picture_at, strict=True):
        assert abs((picture - side) + 2 * at) <= 1


@given(frames, boxes, st.sampled_from(list(Rule)), st.sampled_from([2, 3, 4, 8]))
def test_the_network_runs_no_more_than_needed(frame, box, rule, scale):
    plan = plan_size(frame, Target.CUSTOM, rule, box, scale)
    wanted = max(p / s for p, s in zip(plan.picture, plan.source_size, strict=True))
    runs = len(plan.inputs)
    assert runs == 0 or scale ** (runs - 1) * WORTH_A_RUN < wanted or runs == 1
    if wanted >= 1:
        assert runs >= 1
        for side, fed in zip(plan.picture, plan.inputs[-1], strict=True):
            assert fed * scale * WORTH_A_RUN >= side * 0.999
    if runs > 1:  # a later run makes no more than the longer way needs, but for rounding up
        last = zip(plan.picture, plan.inputs[-1], strict=True)
        assert any(fed * scale <= side + 2 * scale for side, fed in last)


@given(frames, st.sampled_from(list(Rule)), scales)
def test_multiples_are_exact_whatever_the_rule(frame, rule, scale):
    for target, factor in ((Target.X2, 2), (Target.X4, 4), (Target.OWN, max(scale, 1))):
        plan = plan_size(frame, target, rule, scale=scale)
        assert plan.size == plan.picture == (frame[0] * factor, frame[1] * factor)
        assert plan.source_size == frame


@pytest.mark.parametrize(
    ("frame", "target", "size"),
    [
        ((1024, 576), Target.HD, (1920, 1080)),
        ((576, 1024), Target.HD, (1080, 1920)),
        ((1024, 576), Target.UHD, (3840, 2160)),
        ((576, 1024), Target.DCI, (2160, 4096)),
        ((640, 272), Target.QHD, (2560, 1440)),
    ],
)
def test_named_sizes_are_turned_for_upright_frames(frame, target, size):
    assert plan_size(frame, target, Rule.CROP, scale=4).size == size


def test_a_side_of_zero_follows_from_the_other():
    assert plan_size((1024, 576), Target.CUSTOM, Rule.CROP, (0, 1440)).size == (2560, 1440)
    assert plan_size((1024, 576), Target.CUSTOM, Rule.FIT, (1920, 0)).size == (1920, 1080)


@pytest.mark.parametrize("custom", [(0, 0), (-1, 100)])
def test_a_custom_size_without_sides_is_an_error(custom):
    with pytest.raises(ValueError, match="give a width, a height, or both"):
        plan_size((8, 8), Target.CUSTOM, Rule.CROP, custom)


def test_eight_times_through_a_network_of_four_is_two_runs_that_end_at_eight():
    plan = plan_size((100, 50), Target.CUSTOM, Rule.STRETCH, (800, 400), 4)
    assert plan.inputs == ((100, 50), (200, 100))


def test_a_network_that_keeps_the_size_runs_once():
    assert plan_size((100, 50), Target.X4, Rule.CROP, scale=1).inputs == ((100, 50),)


def test_a_crop_computes_little_of_what_is_cut_off():
    plan = plan_size((576, 1024), Target.CUSTOM, Rule.CROP, (1920, 1080), 4)
    assert plan.source_size == (576, 324 + 32)


def test_a_smaller_target_needs_no_network():
    assert plan_size((1920, 1080), Target.CUSTOM, Rule.CROP, (1280, 720), 4).inputs == ()
