from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.motion_presets import (
    FULL_NOISE,
    LEAST_START,
    LIVELIEST_BUCKET,
    PRESETS,
    STILLEST_BUCKET,
    MotionPreset,
)

EVERY = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
STRENGTHS = st.floats(0, 2)


@EVERY
def test_strength_1_is_the_preset(preset):
    strong = preset.at_strength(1)
    assert strong.start_sigma == pytest.approx(preset.start_sigma)
    assert strong.motion_bucket_id == preset.motion_bucket_id
    assert strong.augmentation_level == preset.augmentation_level


@EVERY
def test_strength_0_is_as_still_as_can_be(preset):
    still = preset.at_strength(0)
    assert (still.motion_bucket_id, still.augmentation_level) == (STILLEST_BUCKET, 0)
    assert still.start_sigma == FULL_NOISE


@EVERY
@given(weak=STRENGTHS, strong=STRENGTHS)
def test_more_strength_never_moves_less(preset, weak, strong):
    weak, strong = sorted((weak, strong))
    less, more = preset.at_strength(weak), preset.at_strength(strong)
    assert less.motion_bucket_id <= more.motion_bucket_id
    assert less.augmentation_level <= more.augmentation_level
    assert less.start_sigma >= more.start_sigma


@EVERY
@given(strength=STRENGTHS)
def test_every_strength_stays_where_pictures_hold_together(preset, strength):
    motion = preset.at_strength(strength)
    assert STILLEST_BUCKET <= motion.motion_bucket_id <= LIVELIEST_BUCKET
    assert LEAST_START <= motion.start_sigma <= FULL_NOISE


def test_a_preset_of_ones_own_may_go_further():
    own = MotionPreset(255, 0.3, 20.0, "Your own.")
    assert own.at_strength(1).motion_bucket_id == 255
    assert own.at_strength(1).start_sigma == pytest.approx(20)
    assert MotionPreset(0, 0.0, FULL_NOISE, "").at_strength(1).motion_bucket_id == 0


@EVERY
def test_a_preset_says_why(preset):
    assert preset.why in preset.describe()
    assert preset.why.endswith(".")


@pytest.mark.parametrize("strength", [-0.1, math.nan])
def test_a_strength_that_is_none_is_refused(strength):
    with pytest.raises(ValueError, match="1 is the preset"):
        PRESETS["portrait"].at_strength(strength)
