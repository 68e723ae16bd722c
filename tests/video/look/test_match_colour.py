"""Colour matching against statistics that are taken independently, in OpenCV's Lab."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.video.look.lab import lab_to_rgb, rgb_to_lab
from svd_studio.video.look.match_colour import MatchColour, Method

from ..pulls import assert_alpha_is_kept, assert_any_start_gives_the_tail, film, through

METHODS = list(Method)


def muted(frames: torch.Tensor) -> torch.Tensor:
    """Within 0.25..0.75, so that no match has to clip."""
    return 0.25 + frames * 0.5


def warmer(frames: torch.Tensor) -> torch.Tensor:
    return (frames * torch.tensor([1.1, 1.0, 0.85]) + torch.tensor([0.05, 0.0, -0.02])).clamp(0, 1)


def opencv_lab(frame: torch.Tensor) -> np.ndarray:
    return cv2.cvtColor(frame.numpy(), cv2.COLOR_RGB2LAB).reshape(-1, 3)


def test_lab_is_that_of_opencv():
    rgb = torch.rand(50, 40, 3, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(rgb_to_lab(rgb).numpy().reshape(-1, 3), opencv_lab(rgb), atol=0.5)


def test_lab_and_back_is_the_same_colour():
    rgb = torch.rand(1000, 3, generator=torch.Generator().manual_seed(2))
    rgb[:4] = torch.tensor([[0.0, 0, 0], [1, 1, 1], [0, 0, 1], [0.01, 0.02, 0.0]])
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=2e-5, rtol=0)
    assert rgb_to_lab(torch.ones(3)).tolist() == pytest.approx([100, 0, 0], abs=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_still_film_gets_the_pictures_mean_and_contrast(method):
    picture = muted(film(1, 40, 56, seed=1)[0])
    frames = warmer(muted(film(1, 40, 56, seed=2))).expand(6, -1, -1, -1)
    wanted = opencv_lab(picture)
    for frame in through(MatchColour(picture, method), frames):
        found = opencv_lab(frame)
        np.testing.assert_allclose(found.mean(0), wanted.mean(0), atol=0.4)
        np.testing.assert_allclose(found.std(0), wanted.std(0), rtol=0.05, atol=0.2)


def test_the_histogram_is_matched_where_mean_and_contrast_are_not_enough():
    picture = muted(film(1, 40, 56, seed=1)[0])
    frames = muted(film(1, 40, 56, seed=2) ** 3)
    wanted = np.sort(opencv_lab(picture)[:, 0])

    def apart(method):
        (frame,) = through(MatchColour(picture, method), frames)
        return np.abs(np.sort(opencv_lab(frame)[:, 0]) - wanted).mean()

    assert apart(Method.HISTOGRAM) < 0.5
    assert apart(Method.HISTOGRAM) < 0.3 * apart(Method.MEAN_STD)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_picture_matched_to_itself_stays(method):
    frames = film(1, 40, 56)
    (frame,) = through(MatchColour(frames[0], method), frames)
    torch.testing.assert_close(frame, frames[0], atol=1e-3, rtol=0)


def test_a_film_that_drifts_is_held_at_its_first_frame():
    still = muted(film(1, 40, 56)).expand(20, -1, -1, -1)
    drift = torch.linspace(0, 0.15, 20).view(-1, 1, 1, 1) * torch.tensor([1.0, 0.2, -1.0])
    before, after = still + drift, torch.stack(through(MatchColour(), still + drift))

    def gone(frames):
        return (frames.mean((1, 2)) - frames[0].mean((0, 1))).abs().max()

    assert gone(after) < 0.2 * gone(before)


def test_the_correction_itself_does_not_flicker():
    """Frames whose statistics jitter get nearly one and the same correction."""
    still = muted(film(1, 40, 56)).expand(15, -1, -1, -1)
    jitter = 0.02 * torch.randn(15, 1, 1, 1, generator=torch.Generator().manual_seed(4))
    before = still + jitter
    picture = warmer(still[0])
    change = torch.stack(through(MatchColour(picture), before)) - before
    swing = change.mean((1, 2, 3)).std()
    assert swing < 0.6 * jitter.std()


def test_a_cut_keeps_the_statistics_of_both_scenes_apart():
    first, second = muted(film(5, 30, 40, seed=1)) * 0.4, muted(film(5, 30, 40, seed=2)) * 1.2
    picture = film(1, 30, 40, seed=3)[0]
    together = through(MatchColour(picture), torch.cat([first, second]))
    apart = through(MatchColour(picture), first) + through(MatchColour(picture), second)
    torch.testing.assert_close(torch.stack(together), torch.stack(apart), atol=2e-3, rtol=0)


@settings(max_examples=12)
@given(
    count=st.integers(1, 12),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    channels=st.sampled_from([3, 4]),
    method=st.sampled_from(METHODS),
    given_picture=st.booleans(),
)
def test_any_start_gives_the_tail_of_the_whole(
    count, height, width, channels, method, given_picture
):
    picture = film(1, 9, 7, seed=9)[0] if given_picture else None
    step = MatchColour(picture, method, 0.9)
    assert_any_start_gives_the_tail(step, film(count, height, width, channels))


@pytest.mark.parametrize("channels", [3, 4])
def test_without_strength_the_frames_are_the_very_same(channels):
    frames = film(3, 20, 30, channels)
    assert all(map(torch.equal, through(MatchColour(strength=0.0), frames), frames))


def test_alpha_is_kept():
    assert_alpha_is_kept(MatchColour(film(1, 20, 30, seed=5)[0]), film(3, 20, 30, 4))


def test_what_is_transparent_does_not_count():
    seen = muted(film(3, 20, 30, 4))
    seen[..., 3] = 1
    hidden = torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(3, 20, 30, 4)
    step = MatchColour(muted(film(1, 20, 30, seed=5)[0]))
    for alone, beside in zip(
        through(step, seen), through(step, torch.cat([seen, hidden], dim=2)), strict=True
    ):
        torch.testing.assert_close(beside[:, :30], alone, atol=1e-4, rtol=0)


def test_large_frames_are_matched_in_pieces_as_in_one(monkeypatch):
    frames, picture = film(1, 70, 20), film(1, 20, 20, seed=3)[0]
    (whole,) = through(MatchColour(picture), frames)
    monkeypatch.setattr("svd_studio.video.look.match_colour.ROWS", 16)
    (pieces,) = through(MatchColour(picture), frames)
    assert torch.equal(pieces, whole)


def test_a_flat_film_does_not_become_noise():
    frames = torch.full((2, 20, 20, 3), 0.4) + 0.001 * film(2, 20, 20)
    out = torch.stack(through(MatchColour(film(1, 20, 20)[0]), frames))
    assert out.std(dim=(1, 2)).max() < 0.01


def test_another_strength_is_refused():
    with pytest.raises(ValueError, match="0 to 1"):
        MatchColour(strength=2)


def test_what_changes_frames_changes_the_fingerprint():
    picture = film(1, 4, 4)[0]
    steps = [MatchColour(), MatchColour(picture), MatchColour(method=Method.HISTOGRAM)]
    steps += [MatchColour(picture * 0.5), MatchColour(strength=0.5)]
    assert len({step.fingerprint() for step in steps}) == len(steps)
    assert MatchColour(picture.clone()).fingerprint() == steps[1].fingerprint()
