"""A band of light: where it is, what it adds, and that nothing is clipped."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.easing import Ease
from svd_studio.sampling.light_sweep import LightSweep, sweep, tint
from torch.testing import assert_close

GREY = torch.full((40, 80, 3), 0.18)


def centre(frame: torch.Tensor, picture: torch.Tensor) -> tuple[float, float]:
    """Of the light that was added: x and y, pixels."""
    added = (frame - picture).sum(-1)
    y, x = torch.meshgrid(*(torch.arange(float(n)) for n in added.shape), indexing="ij")
    return float((added * x).sum() / added.sum()), float((added * y).sum() / added.sum())


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [(0, 0, 1), (180, 0, -1), (90, 1, -1), (-90, 1, 1)]
)
def test_the_band_goes_where_it_is_sent(direction, axis, sign):
    frames = sweep(GREY, LightSweep(direction), 7)
    places = [centre(frame, GREY)[axis] for frame in frames[1:-1]]
    assert all(sign * (b - a) > 3 for a, b in pairwise(places))
    other = (79 / 2, 39 / 2)[1 - axis]
    assert all(abs(centre(frame, GREY)[1 - axis] - other) < 1e-3 for frame in frames[1:-1])


def test_at_minus_20_degrees_it_leans_like_a_slash():
    middle = sweep(GREY, LightSweep(-20.0, width=0.2), 3)[1].sum(-1)
    assert middle[0].argmax() > middle[20].argmax() > middle[-1].argmax()


@pytest.mark.parametrize("lamp", [LightSweep(), LightSweep(37.0, 1.5), LightSweep(110.0, 0.1)])
def test_it_comes_from_outside_and_leaves(lamp):
    frames = sweep(GREY, lamp, 9)
    assert_close(frames[[0, -1]], GREY.expand(2, -1, -1, -1), rtol=0, atol=1e-6)
    assert (frames[4] - GREY).max() > 0.1


def test_outside_of_its_time_the_picture_stands():
    frames = sweep(GREY, LightSweep(start=0.25, end=0.75), 9)
    changed = [bool((frame - GREY).abs().max() > 1e-6) for frame in frames]
    assert changed == [False] * 3 + [True] * 3 + [False] * 3


def test_the_ease_is_that_of_the_camera():
    assert LightSweep(ease=Ease.IN).progress(3) == [0, Ease.IN.at(0.5), 1]


def test_a_stop_doubles_the_light_of_what_is_dark():
    dark = torch.full((8, 8, 3), 0.004)
    frames = sweep(dark, LightSweep(stops=1.0, width=4.0, sheen=0.0), 3)
    assert_close(frames[1, 4, 4], torch.full((3,), 0.008), rtol=0.01, atol=0)


def test_black_shines_by_its_sheen_alone():
    black = torch.zeros(16, 16, 3)
    assert sweep(black, LightSweep(sheen=0.0), 5).max() == 0
    assert sweep(black, LightSweep(sheen=0.3), 5).max() > 0.2


@given(stops=st.floats(0, 6), kelvin=st.floats(2000, 12000))
def test_nothing_is_clipped_and_every_tone_stays_in_its_order(stops, kelvin):
    ramp = torch.linspace(0, 1, 65)[:, None].expand(-1, 3)
    picture = ramp.expand(4, -1, -1)
    frames = sweep(picture, LightSweep(90.0, 4.0, stops, kelvin), 3)
    assert (frames >= picture - 1e-6).all()
    # Below white nothing becomes white.
    assert frames[:, :, :-1].max() < 1
    assert (frames.diff(dim=2) > 0).all()


def test_the_light_stays_where_the_mask_is():
    where = torch.zeros(40, 80)
    where[:, 40:] = 1
    frames = sweep(GREY, LightSweep(width=2.0), 5, where)
    assert_close(frames[:, :, :40], GREY[:, :40].expand(5, -1, -1, -1), rtol=0, atol=1e-6)
    assert (frames[2, :, 40:] - GREY[:, 40:]).min() > 0.1


@pytest.mark.parametrize(
    ("kelvin", "x", "y"),
    # CIE 15: illuminant A, and the Planckian locus at 4000, 5000 and 10000 kelvin.
    [
        (2856, 0.4476, 0.4074),
        (4000, 0.3805, 0.3768),
        (5000, 0.3451, 0.3516),
        (10000, 0.2807, 0.2884),
    ],
)
def test_the_colour_is_that_of_a_black_body_seen_under_daylight(kelvin, x, y):
    def rgb(x, y):
        matrix = torch.tensor(
            [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
        )
        return torch.linalg.solve(matrix, torch.tensor([x / y, 1.0, (1 - x - y) / y]))

    expected = rgb(x, y) / rgb(0.3135, 0.3237)  # 6500 kelvin
    expected /= expected @ torch.tensor([0.2126, 0.7152, 0.0722])
    assert_close(tint(kelvin), expected, rtol=0, atol=0.02)


def test_white_light_has_no_colour():
    assert_close(tint(6500.0), torch.ones(3))


@pytest.mark.parametrize("kelvin", [2000.0, 12000.0])
def test_a_tint_keeps_the_brightness(kelvin):
    luminance = float(tint(kelvin) @ torch.tensor([0.2126, 0.7152, 0.0722]))
    assert math.isclose(luminance, 1.0, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"width": 0.0}, "0 wide"),
        ({"stops": -1.0}, "-1 stops"),
        ({"kelvin": 1000.0}, "1000 kelvin"),
        ({"start": 0.5, "end": 0.5}, "enters at 0.5 and leaves at 0.5"),
        ({"width": math.nan}, "nan wide"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        LightSweep(**wrong)
