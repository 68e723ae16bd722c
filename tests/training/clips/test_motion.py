"""The motion bucket of pans whose speed is known."""

import pytest
import torch
from svd_studio.sampling.motion import motion_bucket_of
from svd_studio.training.clips.motion import mean_flow, motion_bucket


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("fps", [4, 7])
def test_a_pan_gets_the_bucket_of_its_speed(panned, speed, fps):
    clip = torch.from_numpy(panned(5, speed, (256, 144))).float() / 255
    expected = motion_bucket_of(speed / 256, fps)
    assert expected < 255
    assert motion_bucket(clip, fps) == pytest.approx(expected, abs=5)


def test_the_same_picture_at_twice_the_size_moves_as_fast(panned):
    small = torch.from_numpy(panned(4, 1.5, (256, 144))).float() / 255
    large = small.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert mean_flow(large) == pytest.approx(mean_flow(small), rel=0.02)


def test_a_still_does_not_move(panned):
    clip = torch.from_numpy(panned(1)).float().repeat(4, 1, 1, 1) / 255
    assert motion_bucket(clip, 24) == 0
