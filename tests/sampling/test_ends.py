"""Both ends at once: turning films around, and a film whose true distribution is known."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from svd_studio.sampling.ends import Ends, from_both_ends
from svd_studio.sampling.sigmas import make_sigmas
from torch.testing import assert_close

T, PIXELS = 12, 2000
EVERY = pytest.mark.parametrize("ends", list(Ends), ids=lambda ends: ends.name)


def film(*values):
    """Frames (T, 1, 1, 1) with these values."""
    return torch.tensor(values, dtype=torch.float64).reshape(-1, 1, 1, 1)


def random_walk(picture, drift=0.0):
    """The exact denoiser of films that walk away from `picture`: x0 ~ N(picture + drift i, K).

    K_ij = min(i, j) + 1e-6, so a frame differs from the one before by N(drift, 1).
    """
    i = torch.arange(T, dtype=torch.float64)
    mean = film(*(picture + drift * i))
    covariance = torch.minimum(i[:, None], i[None]) + 1e-6

    def denoise(x, sigma):
        gain = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(T))
        return mean + torch.einsum("ij,jchw->ichw", gain, x - mean)

    return denoise


def sample(denoise, seed=0):
    """Euler from sigma 100, over many pixels that move independently."""
    sigmas = make_sigmas("karras", 30, 100.0, 0.002).double()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(T, 1, 1, PIXELS, generator=generator, dtype=torch.float64) * sigmas[0]
    for sigma, following in pairwise(sigmas):
        x0 = denoise(x, sigma)
        x = x0 + (x - x0) * (following / sigma)
    return x


def neighbour_errors(frames):
    return (frames[1:] - frames[:-1]).abs().mean((1, 2, 3))


@EVERY
@pytest.mark.parametrize("num_frames", [2, 3, 14])
def test_turning_twice_changes_nothing(ends, num_frames):
    frames = torch.randn(num_frames, 4, 2, 3)
    assert torch.equal(ends.turn(ends.turn(frames)), frames)


def test_the_last_frame_becomes_the_first():
    assert Ends.LAST_FRAME.turn(film(0, 1, 2, 3)).flatten().tolist() == [3, 2, 1, 0]


def test_a_loop_keeps_its_picture_and_runs_the_other_way_around():
    assert Ends.LOOP.turn(film(0, 1, 2, 3)).flatten().tolist() == [0, 3, 2, 1]


def test_each_end_is_seen_from_its_own_direction_alone():
    weights = Ends.LAST_FRAME.weights(T)
    assert (weights[0], weights[-1]) == (1, 0)


@EVERY
def test_both_directions_weigh_the_same(ends):
    weights = ends.weights(T)
    assert_close(weights + ends.turn(weights), torch.ones(T))
    assert (weights[1:].diff() < 0).all()


@EVERY
def test_one_picture_at_both_ends_gives_a_film_that_is_the_same_backwards(ends):
    def away(film):
        return torch.arange(len(film)).to(film).reshape(-1, 1, 1, 1).expand_as(film)

    x0 = from_both_ends(torch.zeros(T, 4, 2, 3), ends, away, away)
    assert_close(x0, ends.turn(x0))
    assert x0[0].max() == 0


@EVERY
def test_the_start_is_looked_at_last(ends):
    seen = []

    def look(name):
        return lambda film: seen.append(name) or film

    from_both_ends(torch.zeros(T, 4, 2, 3), ends, look("start"), look("end"))
    assert seen == ["end", "start"]


@EVERY
def test_a_denoiser_that_knows_the_film_is_left_alone(ends):
    truth = torch.randn(T, 4, 2, 3)
    x0 = from_both_ends(truth + 1, ends, lambda film: truth, lambda film: ends.turn(truth))
    assert_close(x0, truth)


def test_the_noisy_film_is_not_written_to():
    noisy = torch.randn(T, 4, 2, 3)
    before = noisy.clone()
    from_both_ends(noisy, Ends.LAST_FRAME, lambda x: x, lambda x: x, torch.zeros(4, 2, 3))
    assert torch.equal(noisy, before)


def test_a_looped_walk_is_a_bridge_with_even_steps():
    denoise = random_walk(5.0)

    def looped(x, sigma):
        def at(x):
            return denoise(x, sigma)

        return from_both_ends(x, Ends.LOOP, at, at)

    frames = sample(looped)
    steps = neighbour_errors(torch.cat([frames, frames[:1]]))
    assert steps.max() < 1.12 * steps.mean()
    i = torch.arange(T)
    assert_close(
        (frames - 5).std((1, 2, 3)), (i * (1 - i / T)).sqrt().double(), rtol=0.2, atol=0.02
    )


def test_a_walk_alone_does_not_come_back():
    frames = sample(random_walk(5.0))
    assert (frames[-1] - frames[0]).abs().mean() > 3 * neighbour_errors(frames).mean()


@pytest.mark.parametrize("drift", [0.0, 0.4])
def test_a_walk_between_two_pictures_arrives_in_even_steps(drift):
    start, end = random_walk(0.0, drift), random_walk(4.0, -drift)

    def between(x, sigma):
        last = torch.full((1, 1, PIXELS), 4.0, dtype=torch.float64)
        return from_both_ends(
            x, Ends.LAST_FRAME, lambda x: start(x, sigma), lambda x: end(x, sigma), last
        )

    frames = sample(between)
    assert_close(frames[0], torch.zeros_like(frames[0]), rtol=0, atol=0.01)
    assert_close(frames[-1], torch.full_like(frames[0], 4.0), rtol=0, atol=1e-6)
    steps = neighbour_errors(frames)
    assert steps.max() < 1.12 * steps.mean()
    assert_close(frames.mean((1, 2, 3)), torch.linspace(0, 4, T).double(), rtol=0, atol=0.3)
