from __future__ import annotations

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from svd_studio.video.write.formats import Colour
from svd_studio.video.write.planes import STRIP, Layout, planes
from svd_studio.video.write.writer import write_h264

SATURATED = list(itertools.product((0.0, 1.0), repeat=3))
COLOURS = [*SATURATED, (0.5, 0.5, 0.5), (0.9, 0.4, 0.2), (0.2, 0.5, 0.9)]
PATCH = 32

# One round trip costs three roundings to 8 bits; x264 at the default quality adds about a level.
LEVELS = 4


def codes(frame, pix_fmt="yuv420p", colour=Colour.BT709):
    """All codes of a frame, plane by plane."""
    found = planes(frame, Layout(pix_fmt), colour)
    return np.concatenate([plane.flatten() for plane in found])


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
    found = codes(torch.tensor(rgb).float().expand(2, 2, 3))
    assert tuple(found.tolist()) == (ycbcr[0],) * 4 + ycbcr[1:]


@pytest.mark.parametrize(
    ("pix_fmt", "luma"), [("yuv420p", 63), ("yuv420p10le", 250), ("yuv422p12le", 1001)]
)
def test_red_is_rounded_once_at_the_depth_of_the_film(pix_fmt, luma):
    """(219 * 0.2126 + 16) * 2 ** (bits - 8), by item 3.4 of BT.709."""
    assert codes(torch.tensor([1.0, 0, 0]).expand(2, 2, 3), pix_fmt)[0] == luma


@pytest.mark.parametrize(
    ("colour", "white"), [(Colour.HDR10, 0.5807), (Colour.HLG, 0.75)], ids=["PQ", "HLG"]
)
def test_white_of_sdr_is_the_reference_white_of_hdr(colour, white):
    """ITU-R BT.2408, table 1: 58 % PQ and 75 % HLG; grey stays grey, black stays black."""
    luma = codes(torch.ones(2, 2, 3), "yuv420p10le", colour)
    assert abs((luma[0] / 4 - 16) / 219 - white) < 0.003
    assert luma[4:].tolist() == [512, 512]
    assert codes(torch.zeros(2, 2, 3), "yuv420p10le", colour).tolist() == [64] * 4 + [512] * 2


@pytest.mark.parametrize("colour", [Colour.HDR10, Colour.HLG])
def test_hdr_gets_brighter_with_the_picture(colour):
    ramp = torch.linspace(0, 1, 512)[None, :, None].expand(2, -1, 3)
    luma = planes(ramp, Layout("yuv420p10le"), colour)[0][0].astype(int)
    assert (np.diff(luma) >= 0).all()


def test_primaries_of_bt709_lie_inside_bt2020():
    """Red of BT.709 through BT.2087 and PQ, worked out apart from the code."""
    light = 203 * np.array([0.6274, 0.0691, 0.0164]) / 10_000
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    red, green, blue = ((c1 + c2 * light**m1) / (1 + c3 * light**m1)) ** m2
    luma = 0.2627 * red + 0.678 * green + 0.0593 * blue
    found = codes(torch.tensor([1.0, 0, 0]).expand(2, 2, 3), "yuv420p10le", Colour.HDR10)
    assert found[0] == round((219 * luma + 16) * 4)
    assert found[5] == round((224 * (red - luma) / 1.4746 + 128) * 4)


def test_rgb_is_kept_as_it_is_and_alpha_with_it():
    frame = torch.tensor([0.0, 0.25, 1.0, 0.5]).expand(1, 1, 4)
    green_blue_red_alpha = codes(frame, "gbrap16le", Colour.RGB).tolist()
    assert green_blue_red_alpha == [16384, 65535, 0, 32768]


def test_strips_join_without_a_seam():
    frame = torch.rand(2 * STRIP + 3, 6, 3, generator=torch.Generator().manual_seed(1))
    whole = planes(frame, Layout("yuv420p"), Colour.BT709)
    shifted = planes(frame[2:], Layout("yuv420p"), Colour.BT709)
    assert [plane.shape for plane in whole] == [(2 * STRIP + 4, 6)] + [(STRIP + 2, 3)] * 2
    assert all(
        np.array_equal(plane[-len(other) :], other)
        for plane, other in zip(whole, shifted, strict=True)
    )


def test_pixel_format_that_is_not_planar_is_refused():
    with pytest.raises(ValueError, match="rgb24 is not planar"):
        Layout("rgb24")


def test_values_outside_are_clamped():
    wild = torch.tensor([-3.0, 7.0, float("inf")]).expand(2, 2, 3)
    assert np.array_equal(codes(wild), codes(wild.clamp(0, 1)))


def test_chroma_sits_on_the_left_column_of_a_pair():
    edge = torch.zeros(2, 8, 3)
    edge[:, 4:, 2] = 1.0
    cb = codes(edge)[16:20].tolist()
    # The sample at column 4 sees a quarter of column 3; a centred one would see none of it.
    assert cb == [128, 128, 212, 240]


def test_half_precision_frames_give_the_codes_of_their_values():
    frame = patches().half()
    assert np.array_equal(codes(frame), codes(frame.float()))


def test_colours_come_back_within_a_few_levels(tmp_path):
    film = write_h264([patches()] * 3, tmp_path / "a.mp4", Fraction(24), 80, {})
    # OpenCV brings its own FFmpeg and reads the tags; PyAV before 15 converts without the matrix.
    found, bgr = cv2.VideoCapture(str(film.path)).read()
    assert found
    inside = slice(PATCH // 4, -PATCH // 4)
    for number, colour in enumerate(COLOURS):
        patch = bgr[inside, number * PATCH : (number + 1) * PATCH, ::-1][:, inside]
        assert np.abs(patch - 255 * np.array(colour)).max() <= LEVELS, colour
