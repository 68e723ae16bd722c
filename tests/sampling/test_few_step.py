"""The sigmas of few-step weights, against diffusers' scheduler for consistency models."""

from __future__ import annotations

import pytest
import torch
from diffusers import CMStochasticIterativeScheduler
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.few_step import ANIMATE_LCM, SIGMA_MAX, SIGMA_MIN, TDD
from svd_studio.sampling.sigmas import karras
from torch.testing import assert_close

KINDS = pytest.mark.parametrize("kind", [ANIMATE_LCM, TDD], ids=lambda kind: kind.name)


def theirs(kind, steps):
    """diffusers' own, as AnimateLCM's demonstration sets it up; it ends at sigma_min, not at 0."""
    scheduler = CMStochasticIterativeScheduler(
        num_train_timesteps=kind.levels, sigma_min=0.002, sigma_max=700.0, sigma_data=1.0, rho=7.0
    )
    scheduler.set_timesteps(steps)
    return scheduler.sigmas[:-1]


@KINDS
@pytest.mark.parametrize("steps", range(1, 21))
def test_sigmas_are_those_of_diffusers_and_then_none(kind, steps):
    sigmas = kind.sigmas(steps)
    assert_close(sigmas[:-1], theirs(kind, steps), rtol=2e-5, atol=0)
    assert sigmas[-1] == 0


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (2, [700, 13.6784, 0]),
        (4, [700, 128.5637, 13.6784, 0.49688, 0]),
        (6, [700, 266.1882, 86.6642, 22.7597, 4.35265, 0.49688, 0]),
        (8, [700, 315.7374, 128.5637, 45.8507, 13.6784, 3.16661, 0.49688, 0.039754, 0]),
    ],
)
def test_animate_lcm_takes_every_nth_of_its_forty_levels(steps, expected):
    assert_close(ANIMATE_LCM.sigmas(steps), torch.tensor(expected), rtol=2e-5, atol=0)


@KINDS
def test_a_lower_start_is_kept_to_the_last_bit_and_the_rest_are_levels(kind):
    sigmas = kind.sigmas(4, 75.0)
    assert sigmas[0] == 75.0
    assert torch.isin(sigmas[1:-1], karras(kind.levels, SIGMA_MIN, SIGMA_MAX)).all()


@KINDS
@given(steps=st.integers(1, 8), start=st.floats(1.0, 700.0))
def test_sigmas_fall_from_any_start(kind, steps, start):
    sigmas = kind.sigmas(steps, start)
    assert len(sigmas) == steps + 1
    assert (sigmas.diff() < 0).all()


@KINDS
@pytest.mark.parametrize("steps", [0, 1000])
def test_steps_beyond_the_levels_are_refused(kind, steps):
    with pytest.raises(ValueError, match=rf"can take 1 to \d+ steps .*{steps} are asked for"):
        kind.sigmas(steps)


def test_no_noise_is_refused():
    with pytest.raises(ValueError, match="AnimateLCM-SVD starts at sigma 0, which is no noise"):
        ANIMATE_LCM.sigmas(4, 0.0)


@KINDS
def test_neither_needs_the_pass_without_the_picture(kind):
    assert not kind.guidance.needs_uncond


def test_a_line_says_what_to_set():
    assert ANIMATE_LCM.describe() == (
        "AnimateLCM-SVD, for few steps: 4 (2 to 8 work) of lcm, guidance constant 1"
    )
