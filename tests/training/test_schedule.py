"""A schedule is fitted where the best one is known, and never becomes worse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from svd_studio.sampling.sigmas import make_sigmas
from svd_studio.training.schedule import fit_schedule, from_log_gaps, log_gaps
from torch.testing import assert_close

START = make_sigmas("karras", 6, 700.0, 0.002)


def test_gaps_and_sigmas_are_one_another():
    assert_close(from_log_gaps(700.0, log_gaps(START)), START)


def test_the_schedule_that_films_want_is_found():
    wanted = make_sigmas("align-your-steps", 6, 700.0, 0.002)

    def residuals(sigmas):
        return (sigmas[:-1].log() - wanted[:-1].log()).numpy()

    fitted = fit_schedule(residuals, START, rounds=20)
    assert_close(fitted.sigmas, wanted, rtol=1e-2, atol=0)
    assert fitted.after < 0.02 * fitted.before


def test_an_ode_is_followed_more_closely():
    """Euler's steps for x0(x) = tanh(x), a denoiser that has two answers."""

    def film(sigmas):
        x = torch.linspace(-3, 3, 41, dtype=torch.float64) * float(sigmas[0])
        for sigma, below in zip(sigmas[:-1].double(), sigmas[1:].double(), strict=True):
            x0 = torch.tanh(x / (1 + sigma**2))
            x = x0 + (x - x0) * below / sigma
        return x.numpy()

    truth = film(make_sigmas("karras", 2000, 80.0, 0.002))
    start = make_sigmas("exponential", 6, 80.0, 0.002)
    fitted = fit_schedule(lambda sigmas: film(sigmas) - truth, start, rounds=30)
    assert fitted.after < 0.6 * fitted.before
    assert fitted.sigmas[0] == 80
    assert fitted.sigmas[-1] == 0
    assert bool((fitted.sigmas.diff() < 0).all())


def test_what_cannot_be_improved_stays():
    fitted = fit_schedule(lambda sigmas: np.ones(50), START, rounds=3)
    assert_close(fitted.sigmas, START)
    assert fitted.after == fitted.before == pytest.approx(1.0)


@pytest.mark.parametrize(
    "sigmas", [[10.0, 1.0, 0.1], [10.0, 1.0, 2.0, 0.0], [10.0, 5.0, 0.0]], ids=str
)
def test_what_does_not_fall_to_zero_is_refused(sigmas):
    with pytest.raises(ValueError, match="no schedule"):
        fit_schedule(lambda sigmas: np.ones(3), torch.tensor(sigmas), rounds=1)
