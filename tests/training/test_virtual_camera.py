"""The camera's own account of its motion against an independent optical flow."""

import random
from itertools import pairwise

import cv2
import numpy as np
import pytest
from svd_studio.training.pictures import Picture, cover
from svd_studio.training.virtual_camera import Move, default_move, ease, render_clip, sample_move
from svd_studio.video.motion_metrics import measure_motion

SIZE = (192, 112)


@pytest.fixture(scope="module")
def photograph():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (40, 64, 3), np.uint8)
    return Picture("noise", cv2.resize(noise, (480, 300), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize(
    "move",
    [
        Move(travel=(0.08, 0.0)),
        Move(travel=(-0.05, 0.04)),
        Move(log_zoom=0.15),
        Move(log_zoom=-0.15),
        Move(roll=0.1),
    ],
    ids=["pan", "diagonal", "push-in", "pull-out", "roll"],
)
def test_mean_flow_is_what_optical_flow_sees(photograph, move):
    clip = render_clip([photograph], move, SIZE, 8, random.Random(3))
    told = np.mean([clip.mean_flow(i, i + 1) for i in range(7)]) * SIZE[0]
    seen = measure_motion(clip.frames).flow
    assert seen == pytest.approx(told, rel=0.25)


def test_a_pan_to_the_right_moves_things_to_the_left(photograph):
    clip = render_clip([photograph], Move(travel=(0.1, 0.0)), SIZE, 4, random.Random(0))
    first, last = (cv2.cvtColor(clip.frames[i], cv2.COLOR_RGB2GRAY) for i in (0, -1))
    (x, y), _ = cv2.phaseCorrelate(first.astype(np.float32), last.astype(np.float32))
    assert x == pytest.approx(-0.1 * SIZE[0], abs=1)
    assert y == pytest.approx(0, abs=0.5)


def test_a_zoom_never_shows_more_than_the_picture(photograph):
    clip = render_clip([photograph], Move(log_zoom=0.5), SIZE, 5, random.Random(0))
    scales = [np.sqrt(abs(np.linalg.det(h[:2, :2]))) for h in clip.to_source]
    assert max(scales) <= 1.0001
    assert scales[0] > scales[-1]


def test_cutouts_count_in_the_flow(photograph):
    still = render_clip([photograph], Move(), SIZE, 6, random.Random(1), cutout_chance=1.0)
    assert still.cutouts
    assert still.mean_flow(0, 5) > 0
    assert (still.frames[0] != still.frames[-1]).any()


def test_a_static_camera_does_not_move(photograph):
    clip = render_clip([photograph], Move(), SIZE, 4, random.Random(1))
    assert clip.mean_flow(0, 3) == pytest.approx(0, abs=1e-9)
    assert (clip.frames[0] == clip.frames[-1]).all()


def test_the_default_move_is_a_level_pan_to_the_right():
    moves = [default_move(random.Random(i), 28, 0.006) for i in range(50)]
    assert all(m.travel[0] > 0 and m.travel[1] == 0 and m.log_zoom == m.roll == 0 for m in moves)


def test_sampled_moves_cover_every_kind():
    moves = [sample_move(random.Random(i), 28, 0.006) for i in range(300)]
    assert any(m.travel[0] < 0 for m in moves)
    assert any(m.log_zoom for m in moves)
    assert any(m.roll for m in moves)
    assert any(m == Move() for m in moves)
    assert {m.easing for m in moves} == {"linear", "smooth", "in", "out"}


@pytest.mark.parametrize("easing", ["linear", "smooth", "in", "out"])
def test_easing_runs_from_0_to_1_without_turning_back(easing):
    values = [ease(t, easing) for t in np.linspace(0, 1, 50)]
    assert values[0] == 0
    assert values[-1] == pytest.approx(1)
    assert all(b >= a for a, b in pairwise(values))


def test_the_same_seed_gives_the_same_clip(photograph):
    clips = [
        render_clip([photograph], Move(travel=(0.05, 0)), SIZE, 3, random.Random(7), 1.0)
        for _ in range(2)
    ]
    assert (clips[0].frames == clips[1].frames).all()


def test_cover_fills_the_frame_exactly(photograph):
    assert cover(photograph.pixels, 100, 200).shape == (200, 100, 3)
