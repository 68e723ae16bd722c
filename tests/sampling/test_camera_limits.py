from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.sampling.camera import Pose, still, straight
from svd_studio.sampling.camera_limits import NOTHING_TO_WARN_OF, seen_share, verdict, warnings
from svd_studio.sampling.view import homographies

WIDE = 9 / 16


def share_after(pose, aspect=WIDE):
    return seen_share(homographies(straight(pose), 2)[-1], aspect)


def counted_share(pose, aspect, side=200):
    """The same by looking at every pixel of the last frame."""
    matrix = homographies(straight(pose), 2)[-1]
    ys, xs = torch.meshgrid(
        ((torch.arange(side, dtype=torch.float64) + 0.5) / side - 0.5) * aspect,
        (torch.arange(side, dtype=torch.float64) + 0.5) / side - 0.5,
        indexing="ij",
    )
    there = torch.stack([xs, ys, torch.ones_like(xs)], -1) @ torch.linalg.inv(matrix).T
    x, y = (there[..., i] / there[..., 2] for i in (0, 1))
    seen = (x.abs() < 0.5) & (y.abs() < aspect / 2) & (there[..., 2] > 0)
    return float(seen.double().mean())


def test_a_still_camera_sees_the_whole_picture():
    assert share_after(Pose()) == pytest.approx(1)


def test_a_longer_lens_sees_nothing_but_the_picture():
    assert share_after(Pose(zoom=1.5)) == pytest.approx(1)


def test_half_the_focal_length_shows_the_picture_on_a_quarter():
    assert share_after(Pose(zoom=0.5)) == pytest.approx(0.25)


def test_going_as_far_again_from_the_subject_shows_the_picture_on_a_quarter():
    assert share_after(Pose(dolly=-1)) == pytest.approx(0.25)


def test_turning_away_shows_nothing():
    assert share_after(Pose(pan=80)) == 0


@settings(max_examples=25)
@given(
    pose=st.builds(
        Pose,
        pan=st.floats(-60, 60),
        tilt=st.floats(-40, 40),
        roll=st.floats(-180, 180),
        zoom=st.floats(0.3, 3),
        orbit=st.floats(-60, 60),
    ),
    aspect=st.sampled_from([9 / 16, 1.0, 16 / 9]),
)
def test_the_share_is_what_counting_pixels_gives(pose, aspect):
    assert share_after(pose, aspect) == pytest.approx(counted_share(pose, aspect), abs=0.01)


def test_a_move_within_limits_is_not_warned_of():
    assert warnings(straight(Pose(pan=8)), 14, WIDE) == []
    assert verdict(straight(Pose(pan=8)), 14, WIDE) == NOTHING_TO_WARN_OF
    assert warnings(still(), 1, WIDE) == []


def test_a_large_turn_is_advised_to_be_several_clips():
    (sentence,) = warnings(straight(Pose(orbit=32)), 14, WIDE)
    assert "turns by 32 degrees" in sentence
    assert "3 clips" in sentence


def test_turns_are_counted_together():
    assert warnings(straight(Pose(pan=11, tilt=11), fov=90), 14, WIDE)
    assert not warnings(straight(Pose(pan=10, tilt=10), fov=90), 14, WIDE)


def test_a_large_roll_is_warned_of():
    (sentence,) = warnings(straight(Pose(roll=-20)), 14, WIDE)
    assert "rolls by 20 degrees" in sentence


def test_the_frame_that_shows_least_is_named():
    (sentence,) = warnings(straight(Pose(dolly=-0.5)), 14, WIDE)
    assert "Frame 14 of 14 shows the picture on only 44 %" in sentence


def test_a_move_that_a_flat_picture_cannot_show_needs_depth():
    (sentence,) = warnings(straight(Pose(dolly=0.2, zoom=0.8)), 2, WIDE)
    assert "depth map" in sentence
    assert not warnings(straight(Pose(dolly=0.2, zoom=0.8)), 2, WIDE, flat=False)


def test_a_clip_has_frames():
    with pytest.raises(ValueError, match="0 frames asked for"):
        warnings(still(), 0, WIDE)
