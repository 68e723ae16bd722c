"""Which frames become clips."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.training.clips.cutting import (
    clip_rate,
    cuts_before,
    pick_offsets,
    starts,
    windows,
)

counts, spans = st.integers(1, 400), st.integers(2, 60)
rates = st.fractions(1, 120, max_denominator=1001)


@given(st.integers(2, 40), rates, st.integers(1, 60))
def test_a_picked_frame_is_the_nearest_in_time(num_frames, rate, fps):
    offsets = pick_offsets(num_frames, rate, fps)
    if fps >= rate:
        assert offsets == tuple(range(num_frames))
        return
    for number, offset in enumerate(offsets):
        assert abs(offset / rate - Fraction(number, fps)) <= 1 / rate / 2
    assert all(a < b for a, b in pairwise(offsets))


def test_without_fps_every_frame_is_taken():
    assert pick_offsets(5, Fraction(24000, 1001), 0) == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("rate", "fps", "told"),
    [
        (Fraction(24000, 1001), 0, 24),
        (Fraction(30), 7, 7),
        (Fraction(5), 7, 5),
        (Fraction(1, 3), 0, 1),
    ],
)
def test_a_clip_is_told_the_rate_at_which_it_plays(rate, fps, told):
    assert clip_rate(rate, fps) == told


@given(counts, spans, st.integers(0, 12))
def test_windows_have_room_and_lie_in_the_film(count, span, most):
    parts = windows(count, span, most)
    assert bool(parts) == (count >= span)
    for part in parts:
        assert part.start >= 0
        assert part.stop <= count
        assert len(part) >= span
    assert len(parts) in (0, 1, most)
    if most and most * span <= count:
        assert all(a.stop <= b.start for a, b in pairwise(parts))
    if len(parts) > 1:
        assert parts[0].start == 0
        assert parts[-1].stop == count


@given(st.sets(st.integers(0, 200)), st.integers(0, 50), st.integers(0, 150), spans)
def test_no_clip_has_a_cut_in_it(cuts, begin, length, span):
    window = range(begin, begin + length)
    found = list(starts((number in cuts for number in window), window, span))
    for start in found:
        assert start in window
        assert start + span - 1 in window
        assert not cuts & set(range(start + 1, start + span))
    assert all(b - a >= span for a, b in pairwise(found))


@given(st.sets(st.integers(1, 120)), st.integers(2, 30))
def test_every_shot_gives_as_many_clips_as_fit_into_it(cuts, span):
    count = 121
    edges = [0, *sorted(cuts), count]
    fits = sum((b - a) // span for a, b in pairwise(edges))
    found = list(starts((n in cuts for n in range(count)), range(count), span))
    assert len(found) == fits


def test_no_more_of_a_film_is_looked_at_than_the_next_clip_needs():
    looked = []
    flags = (looked.append(number) or False for number in range(1000))
    assert next(starts(flags, range(1000), 14)) == 0
    assert len(looked) == 14


def test_a_cut_is_seen_where_it_is_and_a_pan_is_none(panned):
    frames = [*panned(6, 4.0), *panned(6, 4.0)[:, ::-1] // 3]
    flags = list(cuts_before(torch.from_numpy(frame).float() / 255 for frame in frames))
    assert flags == [number == 6 for number in range(12)]
