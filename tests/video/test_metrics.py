"""Clips with a known answer: the report tells the camera from things, and a loop from a jump."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from svd_studio.video.camera_motion import GlobalMotion
from svd_studio.video.metrics import compare_with_command, measure_clip
from svd_studio.video.motion_plot import plot_motion
from svd_studio.video.motion_words import headline, words

WIDTH, HEIGHT, FRAMES = 160, 96, 6


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """(192, 320, 3) of soft blobs of many sizes, repeatable."""
    rng = np.random.default_rng(3)
    picture = np.zeros((192, 320, 3), np.float32)
    for cell, share in ((48, 0.5), (16, 0.3), (6, 0.2)):
        noise = rng.random((192 // cell + 2, 320 // cell + 2, 3), dtype=np.float32)
        picture += share * cv2.resize(noise, (320, 192), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture * 255, 0, 255).astype(np.uint8)


def clip(scene, shift=(0.0, 0.0), zoom=1.0, roll=0.0, frames=FRAMES) -> np.ndarray:
    """Content shifts by `shift` frame widths, grows by `zoom`, turns clockwise by `roll`."""
    made = []
    for index in range(frames):
        t = index / (frames - 1)
        factor, angle = zoom**t, math.radians(roll * t)
        c, s = factor * math.cos(angle), factor * math.sin(angle)
        to_frame = np.array(
            [
                [c, -s, WIDTH / 2 + shift[0] * t * WIDTH],
                [s, c, HEIGHT / 2 + shift[1] * t * WIDTH],
            ]
        )
        to_frame[:, 2] -= to_frame[:, :2] @ np.array([160, 96])
        made.append(cv2.warpAffine(scene, to_frame, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR))
    return np.stack(made)


@pytest.mark.parametrize(
    ("move", "channel", "expected"),
    [
        ({"shift": (0.08, 0)}, "shift_x", 0.08),
        ({"shift": (0, -0.06)}, "shift_y", -0.06),
        ({"zoom": 1.2}, "log_zoom", math.log(1.2)),
        ({"roll": 6.0}, "roll", 6.0),
    ],
)
def test_the_camera_is_read_within_five_percent(scene, move, channel, expected):
    last = measure_clip(clip(scene, **move)).curve[-1]
    assert getattr(last, channel) == pytest.approx(expected, rel=0.05)


def test_a_thing_that_moves_is_not_the_camera(scene):
    still, moving = clip(scene), clip(scene)
    for index, frame in enumerate(moving):
        frame[30:60, 20 + 6 * index : 55 + 6 * index] = scene[100:130, 200:235]
    a, b = measure_clip(still), measure_clip(moving)
    assert b.global_speed < 0.002
    assert b.residual > 5 * max(a.residual, 1e-4)


def test_a_clip_that_flickers_is_told_from_one_that_moves(scene):
    moving = clip(scene, shift=(0.08, 0))
    flickering = clip(scene)
    flickering[1::2] = np.clip(flickering[1::2] * 0.85, 0, 255)
    assert measure_clip(flickering).flicker > 3 * measure_clip(moving).flicker


def test_late_blur_is_seen(scene):
    film = clip(scene)
    film[-1] = cv2.GaussianBlur(film[-1], (0, 0), 4)
    report = measure_clip(film)
    assert report.sharpness[0] == 1
    assert report.sharpness[-1] < 0.5


def test_a_loop_is_known_by_its_ends(scene):
    there = clip(scene, shift=(0.08, 0))
    back_again = np.concatenate([there, there[-2:0:-1]])
    loop, jump = measure_clip(back_again), measure_clip(there)
    assert loop.loop_error <= 1.2 * loop.neighbour_error
    assert jump.loop_error > 2 * jump.neighbour_error
    assert "it does not loop" in words(jump, ())


def test_the_first_frame_is_compared_with_the_picture(scene):
    film = clip(scene)
    assert measure_clip(film, film[0]).first_frame_psnr == 100
    with pytest.raises(ValueError, match=r"80x48.*160x96"):
        measure_clip(film, film[0, ::2, ::2])


def test_one_frame_is_refused(scene):
    with pytest.raises(ValueError, match="1 frame given"):
        measure_clip(clip(scene)[:1])


def ramp(**total: float) -> tuple[GlobalMotion, ...]:
    return tuple(
        GlobalMotion(**{name: value * i / 9 for name, value in total.items()}) for i in range(10)
    )


def test_obedience_is_a_slope_and_how_straight_it_is():
    scores = {s.channel: s for s in compare_with_command(ramp(shift_x=0.08), ramp(shift_x=0.1))}
    assert scores["shift_x"].slope == pytest.approx(0.8)
    assert scores["shift_x"].r2 == pytest.approx(1)
    assert all(score.right_way for score in scores.values())
    assert scores["roll"].slope is None


def test_going_the_other_way_is_told():
    scores = compare_with_command(ramp(shift_x=-0.08), ramp(shift_x=0.1))
    assert not scores[0].right_way
    text = words(measure_clip(np.zeros((2, 64, 64, 3), np.uint8)), scores)
    assert "NOT as asked" in text


def test_moving_where_stillness_was_asked_is_told():
    scores = compare_with_command(ramp(shift_x=0.08), ramp())
    assert not scores[0].right_way


def test_a_command_of_another_length_is_refused():
    with pytest.raises(ValueError, match="10 frames were measured and 9 commanded"):
        compare_with_command(ramp(), ramp()[:9])


def test_the_plot_shows_both_curves(scene):
    report = measure_clip(clip(scene, shift=(0.08, 0)))
    alone = plot_motion(report.curve, None, headline(report, ()))
    both = plot_motion(report.curve, ramp(shift_x=0.08)[: len(report.curve)], "title")
    assert alone.shape == both.shape == (640, 1200, 3)
    orange = (np.abs(both.astype(int) - [213, 94, 0]).sum(-1) < 40).sum()
    assert orange > 300
    assert (np.abs(alone.astype(int) - [213, 94, 0]).sum(-1) < 40).sum() == 0
