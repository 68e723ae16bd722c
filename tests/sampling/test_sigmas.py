from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.sigmas import ALIGN_YOUR_STEPS, SCHEDULES, karras, make_sigmas
from torch.testing import assert_close

LOW, HIGH = 0.002, 700.0
RANGES = st.tuples(st.floats(LOW, HIGH), st.floats(LOW, HIGH)).filter(lambda r: r[0] > r[1] * 1.01)


def resampled_table(steps: int) -> np.ndarray:
    """NVIDIA's recipe: `steps` + 1 values, linear in the logarithm, of which the last becomes 0."""
    table = np.array(ALIGN_YOUR_STEPS)
    places = np.linspace(0, len(table) - 1, steps + 1)
    sigmas = np.exp(np.interp(places, np.arange(len(table)), np.log(table)))
    sigmas[-1] = 0
    return sigmas


@pytest.mark.parametrize("steps", [2, 7, 25])
def test_karras_is_the_closed_form(steps):
    i = np.arange(steps)
    inverse = HIGH ** (1 / 7) + i / (steps - 1) * (LOW ** (1 / 7) - HIGH ** (1 / 7))
    expected = torch.tensor(inverse**7, dtype=torch.float32)
    assert_close(karras(steps, LOW, HIGH), expected, rtol=2e-5, atol=0)


@pytest.mark.parametrize("schedule", ["karras", "exponential"])
def test_schedule_runs_from_the_first_sigma_to_the_last(schedule):
    sigmas = SCHEDULES[schedule](10, LOW, HIGH)
    assert_close(sigmas[[0, -1]], torch.tensor([HIGH, LOW]), rtol=2e-5, atol=0)


@given(st.integers(2, 60), RANGES)
def test_exponential_falls_by_the_same_ratio_every_step(steps, ends):
    sigmas = SCHEDULES["exponential"](steps, ends[1], ends[0]).double()
    ratio = (ends[1] / ends[0]) ** (1 / (steps - 1))
    assert_close(
        sigmas[1:] / sigmas[:-1], torch.full((steps - 1,), ratio).double(), rtol=1e-4, atol=0
    )


@pytest.mark.parametrize("steps", [1, 4, 10, 11, 25, 50])
def test_align_your_steps_over_the_whole_range_is_the_published_table(steps):
    sigmas = make_sigmas("align-your-steps", steps, HIGH, LOW)
    assert_close(sigmas.double(), torch.tensor(resampled_table(steps)), rtol=1e-5, atol=0)


@given(st.integers(1, 60), RANGES)
def test_align_your_steps_over_part_of_the_range_starts_and_ends_where_asked(steps, ends):
    sigmas = make_sigmas("align-your-steps", steps, *ends, to_zero=False)
    assert_close(sigmas[[0, -1]], torch.tensor(ends), rtol=1e-4, atol=0)


def test_align_your_steps_over_part_of_the_range_passes_through_the_table():
    rows = ALIGN_YOUR_STEPS[2:7]
    sigmas = make_sigmas("align-your-steps", 4, rows[0], rows[-1], to_zero=False)
    assert_close(sigmas, torch.tensor(rows, dtype=torch.float32), rtol=1e-5, atol=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("to_zero", [True, False], ids=["to zero", "to the end sigma"])
@given(steps=st.integers(1, 60), ends=RANGES)
def test_every_step_takes_noise_away(schedule, to_zero, steps, ends):
    sigmas = make_sigmas(schedule, steps, *ends, to_zero=to_zero)
    assert len(sigmas) == steps + 1
    assert (sigmas.diff() < 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(steps=st.integers(1, 60), ends=RANGES)
def test_schedule_begins_at_the_start_sigma(schedule, steps, ends):
    assert_close(make_sigmas(schedule, steps, *ends)[0], torch.tensor(ends[0]), rtol=1e-4, atol=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(
    ("to_zero", "closing"), [(True, 0.0), (False, 0.5)], ids=["to zero", "to the end sigma"]
)
def test_last_sigma_is_exact(schedule, to_zero, closing):
    assert make_sigmas(schedule, 5, 80.0, 0.5, to_zero=to_zero)[-1].item() == closing


@pytest.mark.parametrize("steps", [0, -3])
def test_fewer_than_one_step_is_refused_by_number(steps):
    with pytest.raises(ValueError, match=rf"^{steps} steps asked for: .* at least 1\.$"):
        make_sigmas("karras", steps, HIGH, LOW)


@pytest.mark.parametrize(
    ("start", "end"),
    [(1.0, 1.0), (1.0, 2.0), (1.0, 0.0), (1.0, -1.0), (float("nan"), 1.0)],
    ids=["empty", "rising", "end at zero", "negative end", "not a number"],
)
def test_range_that_does_not_fall_is_refused_by_its_ends(start, end):
    with pytest.raises(
        ValueError, match=rf"^Start sigma {start:g} must be above end sigma {end:g}"
    ):
        make_sigmas("karras", 5, start, end)
