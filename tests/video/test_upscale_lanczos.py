"""Lanczos resampling against the formula, and what every resampling must do."""

from __future__ import annotations

import math

import pytest
import torch
from svd_studio.video.upscale.lanczos import resample
from torch.testing import assert_close

from .upscale_doubles import noise


def by_the_formula(line, after):
    step = len(line) / after
    wide = max(step, 1)
    out = []
    for number in range(after):
        centre = (number + 0.5) * step - 0.5
        total = weight_sum = 0.0
        for place, value in enumerate(line.tolist()):
            x = (place - centre) / wide
            if abs(x) >= 3:
                continue
            sinc = 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)
            window = 1.0 if x == 0 else math.sin(math.pi * x / 3) / (math.pi * x / 3)
            total += value * sinc * window
            weight_sum += sinc * window
        out.append(total / weight_sum)
    return torch.tensor(out)


@pytest.mark.parametrize(("before", "after"), [(7, 19), (50, 33), (97, 12), (1, 5), (40, 41)])
def test_pixels_are_those_of_the_formula(before, after):
    line = noise(before)
    expected = by_the_formula(line, after)
    assert_close(resample(line[None, :], after, 1)[0], expected, rtol=0, atol=1e-6)
    assert_close(resample(line[:, None], 1, after)[:, 0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(3, 200), (77, 5), (64, 64)])
def test_one_colour_stays_that_colour(size):
    assert_close(resample(torch.full((2, 40, 60), 0.3), *size), torch.full((2, *size[::-1]), 0.3))


def test_nothing_is_copied_where_the_size_stays():
    picture = noise(3, 8, 9)
    assert resample(picture, 9, 8) is picture


def test_fine_stripes_become_gray_and_not_other_stripes():
    stripes = torch.tensor([0.0, 1.0]).repeat(100).expand(8, 200)
    assert_close(resample(stripes, 30, 8)[:, 2:-2], torch.full((8, 26), 0.5), atol=0.01, rtol=0)
