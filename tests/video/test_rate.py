from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.rate import exact_rate


@pytest.mark.parametrize(
    ("fps", "whole"),
    [
        (23.976, 24),
        (23.98, 24),
        (29.97, 30),
        (47.952, 48),
        (59.94, 60),
        (95.904, 96),
        (119.88, 120),
    ],
)
def test_broadcast_names_become_their_rates(fps, whole):
    assert exact_rate(fps) == Fraction(whole * 1000, 1001)


@given(st.integers(1, 1000))
def test_whole_rates_stay_whole(fps):
    assert exact_rate(fps) == exact_rate(float(fps)) == fps


@given(st.floats(0.01, 1000))
def test_rate_is_a_small_fraction_near_the_number(fps):
    rate = exact_rate(fps)
    assert rate.denominator <= 1001
    assert abs(rate - Fraction(fps)) < Fraction(1, 200)


@given(st.integers(1, 90), st.integers(1, 30))
def test_simple_fractions_survive_being_floats(numerator, denominator):
    rate = Fraction(numerator, denominator)
    slowed = [Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60)]
    if all(abs(rate - other) > 0.005 for other in slowed):
        assert exact_rate(numerator / denominator) == rate


@given(st.floats(0.01, 1000))
def test_rate_of_a_rate_is_itself(fps):
    rate = exact_rate(fps)
    assert exact_rate(float(rate)) == rate


@pytest.mark.parametrize("fps", [0, -1.0, 1000.5, math.nan, math.inf, -math.inf, 1e-9])
def test_impossible_rates_are_refused_by_value(fps):
    with pytest.raises(ValueError, match=rf"expected a frame rate.*got {fps}.*set a rate"):
        exact_rate(fps)
