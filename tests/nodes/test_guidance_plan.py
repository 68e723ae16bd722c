"""The unconditional pass is left out where told, in any sampler and beside what else there is."""

from __future__ import annotations

import math

import pytest
import torch
from svd_studio.sampling.guidance import FrameGuidance, GuidancePlan
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

SEED, STEPS = 3, 6
GUIDANCE = FrameGuidance(1.0, 2.5)


@pytest.fixture
def run(mini, conditioning):
    """A run in the pack's sampler: latents, the report, evaluations of the network."""
    from svd_studio.models.patches.evaluations import counting
    from svd_studio.models.patches.guidance import with_guidance, with_guidance_plan
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def run(plan=None, sampler="euler", guidance=GUIDANCE, model=mini.model, finish=lambda m: m):
        model = with_guidance(model, guidance)
        model = with_guidance_plan(model, plan) if plan else model
        counted, tally = counting(finish(model))
        settings = SamplerSettings(SEED, STEPS, "align-your-steps", sampler, 0.0, 0.0, 2.5)
        latent, report = run_sampler(counted, *conditioning, settings)
        return latent["samples"], report, tally.done

    return run


def test_a_plan_of_everything_changes_nothing(run):
    latents, _, evaluations = run(GuidancePlan())
    assert evaluations == 2 * STEPS
    assert torch.equal(latents, run()[0])


def test_without_guidance_anywhere_the_film_is_the_unguided_one(run):
    latents, report, evaluations = run(GuidancePlan(1e4, 1e3))
    unguided, _, _ = run(guidance=FrameGuidance(1.0, 1.0))
    assert evaluations == STEPS
    assert_close(latents, unguided, rtol=0, atol=1e-5)
    assert f"{STEPS} evaluations of the network, {STEPS} saved" in report


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
def test_a_carry_of_one_is_exact_within_its_range(run, sampler):
    whole, _, all_of_them = run(sampler=sampler)
    latents, _, evaluations = run(GuidancePlan(1e4, 0.0, 1.0), sampler)
    assert torch.equal(latents, whole)
    assert evaluations == all_of_them


def test_what_guidance_changed_is_carried_on(run):
    """Nearer to the guided film than leaving the same passes out, for the same evaluations."""
    whole, _, _ = run()
    carried, report, evaluations = run(GuidancePlan(carry=6.0))
    assert evaluations < 2 * STEPS
    assert "anew where sigma has fallen 6 times" in report
    high, _, as_many = run(GuidancePlan(math.inf, 6.0))
    assert as_many <= evaluations
    assert (carried - whole).square().mean() < (high - whole).square().mean()


def test_nothing_is_carried_from_one_run_into_the_next(run):
    plan = GuidancePlan(carry=1e6)
    assert torch.equal(run(plan)[0], run(plan)[0])


def test_guidance_of_another_node_is_planned_too(mini, conditioning):
    from comfy_extras.nodes_video_model import VideoLinearCFGGuidance
    from svd_studio.models.patches.evaluations import counting
    from svd_studio.models.patches.guidance import with_guidance, with_guidance_plan

    from nodes import KSampler

    plan = GuidancePlan(50.0, 0.5, 5.0)
    (theirs,) = VideoLinearCFGGuidance().patch(mini.model, 1.0)
    films, counts = [], []
    for guided in (theirs, with_guidance(mini.model, GUIDANCE)):
        model, tally = counting(with_guidance_plan(guided, plan))
        films.append(
            KSampler().sample(model, SEED, STEPS, 2.5, "euler", "karras", *conditioning)[0]
        )
        counts.append(tally.done)
    assert counts[0] == counts[1] < 2 * STEPS
    assert_close(films[0]["samples"], films[1]["samples"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("first", ["memory plan", "guidance plan"])
def test_a_memory_plan_before_or_after_changes_nothing(run, mini, first):
    """It asks for the conditionings one by one where a film is large."""
    from svd_studio.models.patches.guidance import with_guidance_plan
    from svd_studio.models.patches.memory import with_memory_plan

    plan = GuidancePlan(100.0, 0.1, 4.0)
    expected, _, evaluations = run(plan)
    if first == "memory plan":
        film = run(plan, model=_one_by_one(with_memory_plan(mini.model, None)))
    else:
        film = run(
            finish=lambda m: _one_by_one(with_memory_plan(with_guidance_plan(m, plan), None))
        )
    assert film[2] == evaluations
    assert_close(film[0], expected, rtol=0, atol=1e-4)


def _one_by_one(model):
    """As on a card where two conditionings do not fit: core is asked for each alone."""
    from comfy.patcher_extension import WrappersMP

    def alone(executor, base, conds, x, timestep, options):
        results = []
        for place in range(len(conds)):
            one = [cond if i == place else None for i, cond in enumerate(conds)]
            results.append(executor(base, one, x, timestep, options)[place])
        return results

    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, "one_by_one", alone)
    return model


def test_films_seen_from_both_ends_carry_their_own_differences(run):
    from svd_studio.nodes.ends import SVDSeamlessLoop

    def looped(model):
        return SVDSeamlessLoop.execute(model, 0.0, 0.0).args[0]

    whole, _, all_of_them = run(finish=looped)
    carried, _, evaluations = run(GuidancePlan(carry=6.0), finish=looped)
    dropped, _, _ = run(GuidancePlan(1e4, 1e3), finish=looped)
    assert evaluations < all_of_them == 4 * STEPS
    assert (carried - whole).square().mean() < (dropped - whole).square().mean()
    assert torch.equal(carried, run(GuidancePlan(carry=6.0), finish=looped)[0])


def test_a_plan_replaces_the_one_before(run, mini):
    from svd_studio.models.patches.guidance import guidance_plan_of, with_guidance_plan

    latents, _, _ = run(
        GuidancePlan(1e4, 1e3), finish=lambda m: with_guidance_plan(m, GuidancePlan())
    )
    assert torch.equal(latents, run()[0])
    planned = with_guidance_plan(
        with_guidance_plan(mini.model, GuidancePlan(9.0)), GuidancePlan(8.0)
    )
    assert guidance_plan_of(planned) == GuidancePlan(8.0)
    assert guidance_plan_of(mini.model) == GuidancePlan()
