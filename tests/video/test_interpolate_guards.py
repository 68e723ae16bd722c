"""Cuts are found, and what only looks like one is not."""

import pytest
import torch
import torch.nn.functional as F
from svd_studio.video.interpolate.guards import cut_score, is_cut, is_duplicate

from .film_clips import read_film

USUAL = 0.3  # the widget's


def scene(seed, height=120, width=200):
    """A picture of its own colours and shapes: (H, W, 3), smooth noise of three sizes."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(
            torch.randn(1, 3, size, 2 * size, generator=generator) / size**0.5,
            size=(height, width),
            mode="bicubic",
        )
        for size in (5, 12, 40)
    ]
    tint = torch.rand(3, 1, 1, generator=generator) * 2 - 1
    return (sum(layers)[0] + tint).sigmoid().permute(1, 2, 0)


SEEDS = range(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_another_shot_is_a_cut(seed):
    assert is_cut(scene(seed), scene(seed + 100), USUAL)


@pytest.mark.parametrize("black_first", [True, False])
def test_a_cut_to_black_is_a_cut(black_first):
    frames = [scene(1), torch.zeros(120, 200, 3)]
    assert is_cut(*(frames[::-1] if black_first else frames), USUAL)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.15])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_pan_is_no_cut(seed, share):
    wide = scene(seed, 120, 300)
    moved = round(200 * share)
    assert not is_cut(wide[:, :200], wide[:, moved : moved + 200], USUAL)
    tall = wide.transpose(0, 1)
    assert not is_cut(tall[:200], tall[moved : moved + 200], USUAL)


@pytest.mark.parametrize("gain", [0.2, 0.5, 1.4])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_flash_is_no_cut(seed, gain):
    picture = scene(seed)
    assert not is_cut(picture, (picture * gain).clamp(0, 1), USUAL)


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_and_fades_are_no_cuts(seed):
    picture = scene(seed)
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed)) * 0.1
    assert not is_cut(picture, (picture + noise).clamp(0, 1), USUAL)
    dim, black = picture * 0.03, picture * 0
    assert not is_cut(dim, picture * 0.06, USUAL)
    assert not is_cut(black, black + 0.0005, USUAL)


def test_the_same_frame_scores_nothing_and_zero_turns_it_off():
    first, second = scene(1), scene(2)
    assert cut_score(first, first) == pytest.approx(0, abs=1e-3)
    assert 0 <= cut_score(first, second) <= 1
    assert not is_cut(first, second, 0)


def test_alpha_and_tiny_frames_have_a_score_too():
    tiny = torch.rand(2, 1, 1, 4)
    assert 0 <= cut_score(*tiny) <= 1


def test_only_frames_that_are_the_same_are_duplicates():
    picture = scene(3)
    other = picture.clone()
    assert is_duplicate(picture, other)
    other[5, 5, 0] += 1e-3
    assert not is_duplicate(picture, other)
    assert not is_duplicate(picture, picture[:50])


def test_cuts_of_a_real_film_are_found(clip_file):
    numbers = [*range(72, 79), *range(184, 190)]
    frames = dict(zip(numbers, read_film(clip_file("bikes.mp4"), numbers), strict=True))
    found = [n for n in numbers if n + 1 in frames and is_cut(frames[n], frames[n + 1], USUAL)]
    assert found == [75, 186]  # the last frames of two shots, by eye
