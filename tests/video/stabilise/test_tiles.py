"""Tiles of any frame."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.stabilise.tiles import Tiling, tiles

SIDES = st.integers(1, 150)
TILINGS = st.builds(
    Tiling,
    pixels=st.integers(1, 10_000),
    margin=st.integers(0, 24),
    multiple=st.sampled_from([1, 8, 32]),
)


@given(height=SIDES, width=SIDES, tiling=TILINGS)
def test_what_is_kept_covers_the_frame_once(height, width, tiling):
    times = np.zeros((height, width), int)
    for rows, columns in tiles(height, width, tiling):
        times[rows.kept, columns.kept] += 1
    assert (times == 1).all()


@given(length=SIDES, tiling=TILINGS)
def test_a_tile_has_its_margin_and_whole_multiples(length, tiling):
    for _, span in tiles(1, length, tiling):
        assert span.length % tiling.multiple == 0
        assert span.seen.start % tiling.multiple == 0
        assert span.seen.start == 0 or span.kept.start - span.seen.start >= tiling.margin
        assert span.seen.stop == length or span.seen.stop - span.kept.stop >= tiling.margin
        whole = np.arange(length)
        np.testing.assert_array_equal(whole[span.seen][span.inside], whole[span.kept])


@given(height=SIDES, width=SIDES, tiling=TILINGS)
def test_no_tile_is_larger_than_it_may_be_if_any_grid_can_be_so(height, width, tiling):
    def largest(tiling):
        return max(rows.length * columns.length for rows, columns in tiles(height, width, tiling))

    smallest = largest(Tiling(1, tiling.margin, tiling.multiple))
    assert largest(tiling) <= max(tiling.pixels, smallest)


def test_a_frame_that_fits_is_one_tile():
    ((rows, columns),) = tiles(100, 200, Tiling(pixels=128 * 224, margin=64, multiple=32))
    assert (rows.length, columns.length) == (128, 224)
    assert (rows.kept, columns.kept) == (slice(0, 100), slice(0, 200))
