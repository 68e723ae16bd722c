"""SVD Quality Preset hands to the sampler what it says, and the sampler does that."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch
from svd_studio.sampling.quality import MINIATURE_PRESETS, PRESETS, Quality

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

EXACT = Quality(4, "karras", "euler")


@pytest.fixture
def choose(mini):
    from svd_studio.nodes.quality import SVDQualityPreset

    def choose(preset, quality=EXACT, fast_layers=False, model=mini.model):
        return SVDQualityPreset.execute(model, preset, fast_layers, **asdict(quality)).args

    return choose


@pytest.fixture
def run(choose, conditioning):
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def run(*arguments, **keywords):
        model, steps, schedule, sampler, _ = choose(*arguments, **keywords)
        settings = SamplerSettings(5, steps, schedule, sampler, 0.0, 0.0, 2.5)
        latent, report = run_sampler(model, *conditioning, settings)
        return latent["samples"], report

    return run


@pytest.mark.parametrize("preset", PRESETS)
def test_svd_mini_gets_what_was_measured_on_it(choose, preset):
    _, steps, schedule, sampler, report = choose(preset)
    quality = MINIATURE_PRESETS[preset]
    assert (steps, schedule, sampler) == (quality.steps, quality.schedule, quality.sampler)
    assert quality.describe() in report


def test_other_weights_get_the_published_schedule(choose, mini):
    from svd_studio.models.loader import INFO_KEY, info_of

    model = mini.model.clone()
    model.set_attachments(INFO_KEY, replace(info_of(mini.model), variant="svd_xt"))
    quality = PRESETS["standard"]
    assert choose("standard", model=model)[1:4] == (
        quality.steps,
        quality.schedule,
        quality.sampler,
    )


def test_few_step_weights_are_recognised(choose, mini):
    from svd_studio.models.loader import INFO_KEY, info_of
    from svd_studio.sampling.few_step import ANIMATE_LCM

    model = mini.model.clone()
    model.set_attachments(INFO_KEY, replace(info_of(mini.model), few_step=ANIMATE_LCM))
    assert choose("fast", model=model)[1:4] == (6, "animatelcm", "lcm")


def test_custom_takes_what_the_inputs_say(run, conditioning, mini):
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    settings = SamplerSettings(5, EXACT.steps, EXACT.schedule, EXACT.sampler, 0.0, 0.0, 2.5)
    expected, _ = run_sampler(mini.model, *conditioning, settings)
    assert torch.equal(run("custom")[0], expected["samples"])


@pytest.mark.parametrize(("preset", "most"), [("draft", 5), ("fast", 10), ("standard", 14)])
def test_a_preset_runs_as_many_evaluations_as_promised(run, preset, most):
    _, report = run(preset)
    line = next(line for line in report.splitlines() if "evaluations of the network" in line)
    assert int(line.split()[0]) <= most
    assert "saved" in line


def test_fast_layers_change_nothing_but_rounding(run):
    exact, quick = run("draft")[0], run("draft", fast_layers=True)[0]
    assert float((exact - quick).abs().max() / exact.abs().max()) < 1e-4


def test_schedules_of_few_step_weights_can_be_chosen_by_hand(run):
    from svd_studio.sampling.few_step import ANIMATE_LCM

    _, report = run("custom", Quality(4, "animatelcm", "lcm"))
    assert "4 steps of lcm, animatelcm, sigma 700 to 0" in report
    assert len(ANIMATE_LCM.sigmas(4)) == 5
