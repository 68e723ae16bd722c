"""Clips whose camera is known, and whether it is found."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.alignment import transfer
from svd_studio.video.camera_motion import (
    GlobalMotion,
    estimate_homographies,
    motion_of,
    nearest_similarity,
    overall_motion,
)

SIZE = (128, 72)
CHANNELS = ("shift_x", "shift_y", "log_zoom", "roll")
# 5 % of the move, or this much: about a quarter of a pixel.
LEAST = {"shift_x": 0.002, "shift_y": 0.002, "log_zoom": 0.002, "roll": 0.1}


def scenery(seed: int) -> np.ndarray:
    """(768, 1024, 3) of soft blobs of many sizes, as strong as they are large."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((768, 1024, 3), np.float32)
    for cell in (8, 16, 32, 64, 128, 256):
        noise = rng.normal(size=(768 // cell + 3, 1024 // cell + 3, 3)).astype(np.float32)
        picture += cell**0.7 * cv2.resize(noise, (1024, 768), interpolation=cv2.INTER_CUBIC)
    picture = 128 + 50 * (picture - picture.mean()) / picture.std()
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def background() -> np.ndarray:
    return scenery(1)


@pytest.fixture(scope="module")
def other() -> np.ndarray:
    return scenery(2)


def similarity(motion: GlobalMotion) -> np.ndarray:
    angle, zoom = math.radians(motion.roll), math.exp(motion.log_zoom)
    c, s = zoom * math.cos(angle), zoom * math.sin(angle)
    return np.array([[c, -s, motion.shift_x], [s, c, motion.shift_y], [0, 0, 1]])


def steady(count: int, **total: float) -> list[np.ndarray]:
    shares = np.linspace(0, 1, count)
    return [similarity(GlobalMotion(**{n: u * v for n, v in total.items()})) for u in shares]


def turn_right(degrees: float, fov: float = 50.0) -> np.ndarray:
    """What a pan of the camera does to the picture (Hartley and Zisserman 2004, chapter 8)."""
    focal, angle = 0.5 / math.tan(math.radians(fov) / 2), math.radians(degrees)
    c, s = math.cos(angle), math.sin(angle)
    lens = np.diag([focal, focal, 1])
    return lens @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) @ np.linalg.inv(lens)


def rendered(source, homographies, size=SIZE, border=cv2.BORDER_REFLECT_101) -> np.ndarray:
    """uint8 (T, H, W, 3): the middle half of `source`, moved; twice as large, then averaged."""
    width, height = 2 * size[0], 2 * size[1]
    to_source = np.array([[512, 0, 511.5], [0, 512, 383.5], [0, 0, 1]])
    from_frame = np.linalg.inv(
        np.array([[width, 0, (width - 1) / 2], [0, width, (height - 1) / 2], [0, 0, 1]])
    )
    frames = []
    for homography in homographies:
        matrix = to_source @ np.linalg.inv(homography) @ from_frame
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        large = cv2.warpPerspective(source, matrix, (width, height), flags=how, borderMode=border)
        frames.append(cv2.resize(large, size, interpolation=cv2.INTER_AREA))
    return np.stack(frames)


def crossed(frames: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A disc with soft edges, a sixth of the frame, goes through the picture on its own."""
    count, height, width = frames.shape[:3]
    ys, xs = np.mgrid[0:height, 0:width]
    result = np.empty_like(frames)
    for index, frame in enumerate(frames):
        x, y = width * (0.2 + 0.6 * index / (count - 1)), height * 0.55
        distance = np.hypot(xs - x, ys - y)
        alpha = np.clip((math.sqrt(width * height / 6 / math.pi) - distance) / 4 + 0.5, 0, 1)
        thing = other[100 : 100 + height, 300 - round(x) : 300 - round(x) + width]
        result[index] = frame + alpha[..., None] * (thing.astype(float) - frame)
    return result


def grainy(frames: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(5).normal(0, 3, frames.shape)
    return np.clip(frames + grain + 0.5, 0, 255).astype(np.uint8)


def assert_followed(found: np.ndarray, true: list[np.ndarray], least=LEAST) -> None:
    for number, (a, b) in enumerate(zip(found, true, strict=True)):
        measured, real = motion_of(a), motion_of(b)
        for channel in CHANNELS:
            value = getattr(real, channel)
            allowed = max(0.05 * abs(value), least[channel])
            error = abs(getattr(measured, channel) - value)
            assert error <= allowed, f"{channel} of frame {number}: {measured} for {real}"


MOVES = {
    "still": {},
    "pan": {"shift_x": -0.2},
    "slow pan": {"shift_x": 0.01},
    "tilt": {"shift_y": 0.1},
    "zoom in": {"log_zoom": 0.3},
    "zoom out": {"log_zoom": -0.25},
    "roll": {"roll": -10.0},
    "mixture": {"shift_x": 0.1, "shift_y": -0.04, "log_zoom": 0.1, "roll": 4.0},
}


@pytest.mark.parametrize("model", ["similarity", "homography"])
@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_move_is_found_within_five_percent(background, move, model):
    true = steady(5, **move)
    assert_followed(estimate_homographies(rendered(background, true), model), true)


@pytest.mark.parametrize("move", ["still", "pan", "zoom in", "mixture"])
def test_grain_and_a_thing_that_crosses_are_not_the_camera(background, other, move):
    true = steady(6, **MOVES[move])
    frames = grainy(crossed(rendered(background, true), other))
    assert_followed(estimate_homographies(frames), true)


def test_mirrored_borders_do_not_mislead(background):
    true = steady(5, shift_x=0.1, log_zoom=-0.2)
    middle = np.ascontiguousarray(background[240:528, 256:768])  # what the first frame shows
    to_middle = np.array([[512, 0, 255.5], [0, 512, 143.5], [0, 0, 1]])
    to_source = np.array([[512, 0, 511.5], [0, 512, 383.5], [0, 0, 1]])
    widened = cv2.warpPerspective(
        middle, to_source @ np.linalg.inv(to_middle), (1024, 768),
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    assert_followed(estimate_homographies(rendered(widened, true)), true)


def test_small_frames_are_enough(background):
    true = steady(5, shift_x=0.1, log_zoom=0.1)
    least = {name: 1.5 * value for name, value in LEAST.items()}  # still a tenth of a pixel
    assert_followed(estimate_homographies(rendered(background, true, (64, 64))), true, least)


def test_large_frames_give_the_same_numbers(background):
    true = steady(2, shift_x=0.03, roll=1.0)
    frames = rendered(background, true, (480, 270))
    large = np.stack([cv2.resize(frame, (1920, 1080)) for frame in frames])
    assert_followed(estimate_homographies(large), true)


def test_frames_that_grow_dim_and_fuzzy_are_still_followed(background):
    true = steady(6, shift_x=-0.1, shift_y=0.03)
    frames = rendered(background, true)
    for index in range(1, 6):
        fuzzy = cv2.GaussianBlur(frames[index], (0, 0), 0.4 * index)
        frames[index] = (1 - 0.05 * index) * fuzzy.astype(float) + 2 * index
    assert_followed(estimate_homographies(frames), true)


def test_a_pan_beyond_the_first_frame_is_followed(background):
    true = steady(13, shift_x=-1.2)
    right = np.roll(background, -250, axis=1)
    wide = np.concatenate([background, right[:, :0]], axis=1)
    frames = rendered(wide, true)
    assert motion_of(estimate_homographies(frames)[-1]).shift_x == pytest.approx(-1.2, rel=0.05)


def test_a_turn_of_the_camera_is_found_with_its_perspective(background):
    true = [turn_right(degrees) for degrees in np.linspace(0, 14, 6)]
    found = estimate_homographies(rendered(background, true), "homography")
    points = np.stack(np.meshgrid(np.linspace(-0.2, 0.5, 8), np.linspace(-0.2, 0.2, 5)), -1)
    for a, b in zip(found, true, strict=True):
        assert np.abs(transfer(a, points) - transfer(b, points)).max() < 0.002


def test_the_same_frames_give_the_same_bits(background):
    frames = rendered(background, steady(3, shift_x=0.05))
    cv2.setRNGSeed(1)
    first = estimate_homographies(frames)
    cv2.setRNGSeed(2)
    assert np.array_equal(estimate_homographies(frames), first)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_frames_stand_still(level):
    found = estimate_homographies(np.full((3, 72, 128, 3), level, np.uint8))
    assert np.allclose(found, np.eye(3), atol=1e-6)


def test_one_frame_is_where_it_is(background):
    assert np.array_equal(estimate_homographies(rendered(background, steady(1))), np.eye(3)[None])


def test_other_arrays_and_models_are_refused():
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"float32.*expected uint8"):
        estimate_homographies(frames.astype(np.float32))
    with pytest.raises(ValueError, match=r"\(2, 64, 64\).*expected uint8"):
        estimate_homographies(frames[..., 0])
    with pytest.raises(ValueError, match="use one of similarity, homography"):
        estimate_homographies(frames, "affine")


motions = st.builds(
    GlobalMotion,
    shift_x=st.floats(-1, 1),
    shift_y=st.floats(-1, 1),
    log_zoom=st.floats(-1.5, 1.5),
    roll=st.floats(-179, 179),
)


@given(motions, st.floats(0.01, 100))
def test_a_similarity_is_taken_apart_again(motion, factor):
    found = motion_of(factor * similarity(motion))
    for channel in CHANNELS:
        assert getattr(found, channel) == pytest.approx(getattr(motion, channel), abs=1e-9)


@given(motions, st.floats(0.3, 2))
def test_the_similarity_nearest_to_one_is_itself(motion, aspect):
    matrix = similarity(motion)
    assert np.allclose(nearest_similarity(3 * matrix, aspect), matrix, atol=1e-6)


@given(st.floats(-15, 15).filter(lambda degrees: abs(degrees) > 1))
def test_a_pan_has_next_to_no_zoom_over_the_whole_frame(degrees):
    pan = turn_right(degrees)
    whole = overall_motion(pan, 9 / 16)
    assert abs(whole.log_zoom) < 0.025 * abs(whole.shift_x)
    assert whole.shift_x * degrees < 0
    assert abs(whole.shift_y) < 1e-6
    assert abs(whole.roll) < 1e-6


def test_signs_are_those_of_the_content():
    right_and_clockwise = motion_of(similarity(GlobalMotion(shift_x=0.1, roll=5)))
    assert right_and_clockwise.shift_x > 0
    # Clockwise with y down: what was on the right goes down.
    assert transfer(similarity(GlobalMotion(roll=5)), np.array([0.5, 0.0]))[1] > 0
    assert transfer(similarity(GlobalMotion(log_zoom=0.1)), np.array([0.4, 0.0]))[0] > 0.4
