from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.motion import FULL_SPEED, motion_bucket_of, speed_of_bucket

RATES = st.sampled_from([4.0, 7.0, 16.0])


@given(st.floats(0, 0.1), st.floats(0, 0.1), RATES)
def test_faster_motion_has_no_lower_bucket(one, other, fps):
    slow, fast = sorted((one, other))
    assert motion_bucket_of(slow, fps) <= motion_bucket_of(fast, fps)


@given(st.integers(0, 255), RATES)
def test_speed_of_a_bucket_is_labelled_with_that_bucket(bucket, fps):
    assert motion_bucket_of(speed_of_bucket(bucket) / fps, fps) == bucket


@pytest.mark.parametrize(
    ("speed", "bucket"), [(0, 0), (FULL_SPEED / 4, 128), (FULL_SPEED, 255), (9.0, 255)]
)
def test_bucket_of_a_speed(speed, bucket):
    assert motion_bucket_of(speed / 7, 7) == bucket
