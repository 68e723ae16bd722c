from __future__ import annotations

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from svd_studio.video.colour import bt709_planes
from svd_studio.video.writer import write_h264

SATURATED = list(itertools.product((0.0, 1.0), repeat=3))
COLOURS = [*SATURATED, (0.5, 0.5, 0.5), (0.9, 0.4, 0.2), (0.2, 0.5, 0.9)]
PATCH = 32

# One round trip costs three roundings to 8 bits; x264 at the default quality adds about a level.
LEVELS = 4


def patches() -> torch.Tensor:
    return torch.tensor(COLOURS).repeat_interleave(PATCH, 0).expand(PATCH, -1, 3)


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((1, 1, 1), (235, 128, 128)),
        ((1, 0, 0), (63, 102, 240)),
        ((0, 1, 0), (173, 42, 26)),
        ((0, 0, 1), (32, 240, 118)),
    ],
    ids=["black", "white", "red", "green", "blue"],
)
def test_primaries_have_the_codes_of_bt709(rgb, ycbcr):
    planes = bt709_planes(torch.tensor(rgb).float().expand(2, 2, 3)).flatten()
    assert tuple(planes.tolist()) == (ycbcr[0],) * 4 + ycbcr[1:]


def test_values_outside_are_clamped():
    wild = torch.tensor([-3.0, 7.0, float("inf")]).expand(2, 2, 3)
    assert np.array_equal(bt709_planes(wild), bt709_planes(wild.clamp(0, 1)))


def test_chroma_sits_on_the_left_column_of_a_pair():
    edge = torch.zeros(2, 8, 3)
    edge[:, 4:, 2] = 1.0
    cb = bt709_planes(edge).flatten()[16:20].tolist()
    # The sample at column 4 sees a quarter of column 3; a centred one would see none of it.
    assert cb == [128, 128, 212, 240]


def test_half_precision_frames_give_the_codes_of_their_values():
    frame = patches().half()
    assert np.array_equal(bt709_planes(frame), bt709_planes(frame.float()))


def test_colours_come_back_within_a_few_levels(tmp_path):
    film = write_h264([patches()] * 3, tmp_path / "a.mp4", Fraction(24), 80, {})
    # OpenCV brings its own FFmpeg and reads the tags; PyAV before 15 converts without the matrix.
    found, bgr = cv2.VideoCapture(str(film.path)).read()
    assert found
    inside = slice(PATCH // 4, -PATCH // 4)
    for number, colour in enumerate(COLOURS):
        patch = bgr[inside, number * PATCH : (number + 1) * PATCH, ::-1][:, inside]
        assert np.abs(patch - 255 * np.array(colour)).max() <= LEVELS, colour
