from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.decode_windows import Window, decode_bytes, decode_windows, plan_windows
from torch.testing import assert_close

PLANS = st.tuples(st.integers(1, 120), st.integers(1, 40), st.integers(0, 12))


def latents_of(frames: int) -> torch.Tensor:
    return torch.randn(frames, 4, 2, 3, generator=torch.Generator().manual_seed(2))


def decode_frame_by_frame(latents: torch.Tensor) -> torch.Tensor:
    return (latents[:, :3] * 2 + latents[:, 3:]).movedim(1, -1)


@given(PLANS)
def test_windows_cover_every_frame_in_order(plan):
    frames, window, overlap = plan
    windows = plan_windows(frames, window, overlap)
    fresh = [f for w in windows for f in range(w.start + w.fade, w.stop)]
    assert fresh == list(range(frames))


@given(PLANS)
def test_no_window_is_short(plan):
    frames, window, overlap = plan
    lengths = {w.stop - w.start for w in plan_windows(frames, window, overlap)}
    assert lengths == {min(window, frames)}


@given(PLANS)
def test_windows_overlap_at_least_as_much_as_asked(plan):
    frames, window, overlap = plan
    assert all(
        w.fade >= min(overlap, window - 1) for w in plan_windows(frames, window, overlap)[1:]
    )


@given(PLANS)
def test_fade_is_what_two_windows_share(plan):
    windows = plan_windows(*plan)
    shared = [before.stop - after.start for before, after in pairwise(windows)]
    assert [w.fade for w in windows] == [0, *shared]


@given(PLANS)
def test_no_more_windows_than_needed(plan):
    frames, window, overlap = plan
    count = len(plan_windows(frames, window, overlap))
    fresh = window - min(overlap, window - 1)
    assert count == 1 or window + (count - 2) * fresh < frames


@given(st.integers(1, 40), st.integers(0, 80))
def test_film_that_fits_is_one_window(frames, spare):
    assert plan_windows(frames, frames + spare, 6) == [Window(0, frames, 0)]


@given(PLANS)
def test_windows_of_a_frame_wise_decode_give_the_whole_decode(plan):
    latents = latents_of(plan[0])
    frames = torch.cat(list(decode_windows(latents, decode_frame_by_frame, plan_windows(*plan))))
    assert_close(frames, decode_frame_by_frame(latents), rtol=1e-6, atol=1e-6)


@given(PLANS)
def test_windows_give_every_frame_once(plan):
    latents = torch.zeros(plan[0], 4, 1, 1)
    pieces = decode_windows(latents, decode_frame_by_frame, plan_windows(*plan))
    assert sum(len(piece) for piece in pieces) == plan[0]


def test_overlap_fades_evenly_from_one_window_to_the_next():
    decoded = iter([torch.zeros(5, 1, 1, 3), torch.ones(5, 1, 1, 3)])
    windows = [Window(0, 5, 0), Window(2, 7, 3)]
    frames = torch.cat(
        list(decode_windows(torch.zeros(7, 4, 1, 1), lambda _: next(decoded), windows))
    )
    assert_close(frames[:, 0, 0, 0], torch.tensor([0, 0, 0.25, 0.5, 0.75, 1, 1]))


def test_decoding_leaves_the_latents_alone():
    latents = latents_of(20)
    before = latents.clone()
    list(decode_windows(latents, decode_frame_by_frame, plan_windows(20, 8, 3)))
    assert torch.equal(latents, before)


def test_published_film_needs_what_was_measured():
    assert decode_bytes(25, 576, 1024, 2) / 2**30 == pytest.approx(24.6, abs=0.05)


@given(st.integers(1, 60), st.sampled_from([2, 4]))
def test_memory_grows_with_every_frame_alike(frames, element_size):
    one = decode_bytes(1, 576, 1024, element_size)
    assert decode_bytes(frames, 576, 1024, element_size) == frames * one
