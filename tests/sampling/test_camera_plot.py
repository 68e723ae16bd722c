from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.drawing.axes import frame_ticks, round_ticks, spread
from svd_studio.sampling.camera import Pose, still, straight
from svd_studio.sampling.camera_above import seen_from_above
from svd_studio.sampling.camera_plot import COLOURS, plot
from svd_studio.sampling.camera_presets import PRESETS, make


def has(picture, colour):
    return bool((np.abs(picture.astype(int) - colour).max(-1) < 12).any())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_drawn(name):
    picture = plot(make(name), 14)
    assert picture.shape == (540, 1200, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("frames", [1, 2, 300])
def test_clips_of_any_length_can_be_drawn(frames):
    assert plot(straight(Pose(tilt=8, zoom=3, dolly=-0.9), fov=140), frames).any()


def test_only_moves_that_happen_are_drawn():
    tilting = plot(straight(Pose(tilt=8)), 14)
    assert has(tilting, COLOURS["tilt"])
    assert not has(tilting, COLOURS["orbit"])
    assert not has(plot(still(), 14), COLOURS["tilt"])


@given(low=st.floats(-100, 100), length=st.floats(0, 100), smallest=st.floats(0.01, 3))
def test_ticks_are_few_round_and_around_everything(low, length, smallest):
    ticks = round_ticks(low, low + length, smallest)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + 1e-6
    assert ticks[-1] >= low + length - 1e-6


@given(frames=st.integers(1, 5000))
def test_first_and_last_frame_have_ticks(frames):
    ticks = frame_ticks(frames)
    assert (ticks[0], ticks[-1]) == (0, frames - 1)
    assert len(ticks) <= 12 or frames > 4000
    assert all(a < b for a, b in pairwise(ticks))


@given(places=st.dictionaries(st.text(max_size=3), st.floats(0, 100), min_size=1, max_size=5))
def test_labels_are_moved_apart_and_stay_in_order(places):
    moved = sorted(spread(places, 10.0).values())
    assert all(b - a >= 10 - 1e-6 for a, b in pairwise(moved))
    assert sum(moved) == pytest.approx(sum(places.values()))


def test_labels_that_are_apart_stay():
    assert spread({"pan": 3.0, "tilt": 90.0}, 10.0) == {"pan": 3.0, "tilt": 90.0}


def test_from_above_right_is_right_and_ahead_is_up():
    right = seen_from_above(Pose(truck=0.2), 50)
    assert right.place == pytest.approx((0.2, 0.0))
    assert seen_from_above(Pose(dolly=0.2), 50).place == pytest.approx((0.0, 0.2))
    assert seen_from_above(Pose(pan=10), 50).heading > 0
    around = seen_from_above(Pose(orbit=10), 50)
    assert around.place[0] > 0
    assert around.ray(0, 1.0) == pytest.approx((0.0, 1.0))
