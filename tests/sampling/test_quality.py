"""The presets are what they say, and few-step weights get what suits them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from svd_studio.sampling.few_step import ANIMATE_LCM, TDD
from svd_studio.sampling.guidance import GuidancePlan
from svd_studio.sampling.quality import MINIATURE_PRESETS, PRESETS, Quality
from svd_studio.sampling.sigmas import make_sigmas

EVERY = [
    pytest.param(name, quality, id=f"{name}, {which}")
    for which, presets in (("published", PRESETS), ("miniature", MINIATURE_PRESETS))
    for name, quality in presets.items()
]
MOST = {"draft": 5, "fast": 10, "standard": 14, "final": 50}


def evaluations(quality: Quality, start: float = 700.0) -> int:
    """Of the network, for samplers that evaluate once a step."""
    count, last = 0, None
    for sigma in make_sigmas(quality.schedule, quality.steps, start, 0.002)[:-1].tolist():
        guided = quality.guidance.needs_uncond(sigma, last)
        last = sigma if guided else last
        count += 1 + guided
    return count


def test_both_kinds_of_weights_have_the_same_presets():
    assert list(PRESETS) == list(MINIATURE_PRESETS) == list(MOST)


@pytest.mark.parametrize(("name", "quality"), EVERY)
def test_a_preset_takes_no_more_evaluations_than_promised(name, quality):
    assert evaluations(quality) <= MOST[name]


@pytest.mark.parametrize(("name", "quality"), EVERY)
@pytest.mark.parametrize("start", [20.0, 75.0, 100.0])
def test_a_run_that_starts_lower_takes_one_evaluation_more_at_most(name, quality, start):
    """As a camera guide does; its first step is guided, which that from 700 is not."""
    assert evaluations(quality, start) <= MOST[name] + 1


def test_presets_go_from_quick_to_careful():
    steps = [quality.steps for quality in PRESETS.values()]
    assert steps == sorted(steps)


def test_the_words_say_all_that_is_set():
    quality = Quality(9, "karras", "euler", 50.0, 0.5, 4.0, 3, 2)
    for words in (
        "9 steps of euler",
        "karras",
        "sigma 50 to 0.5",
        "fallen 4 times",
        "every 2 steps",
    ):
        assert words in quality.describe()
    assert quality.describe() != replace(quality, cache_blocks=2).describe()


def test_nothing_set_is_the_exact_run():
    quality = Quality(25, "karras", "euler")
    assert quality.guidance == GuidancePlan(math.inf, 0.0, 1.0)
    assert quality.guidance.is_everything
    assert not quality.step_cache.reuses


@pytest.mark.parametrize("weights", [ANIMATE_LCM, TDD], ids=lambda weights: weights.name)
@pytest.mark.parametrize("name", PRESETS)
def test_few_step_weights_get_their_own_settings(name, weights):
    quality = PRESETS[name].for_few_step(weights)
    assert quality.steps in weights.steps
    assert quality.sampler == weights.sampler
    assert quality.guidance.is_everything
    assert not quality.step_cache.reuses
