"""SVD Step Cache with what else can be on a MODEL."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from svd_studio.sampling.guidance import FrameGuidance
from svd_studio.sampling.memory import RUNGS

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

STEPS = 6
ROUNDING = 1e-4
LEVEL = 3  # blocks of svd-mini's widest level, down to the layer below it


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Root mean square, of the latents' own."""
    return float((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt())


@pytest.mark.parametrize("policy", [(LEVEL, 2), (LEVEL, 8, 0.3)], ids=["steps", "threshold"])
def test_conditionings_together_or_in_turns_give_the_same_film(
    sample, cached, run_of, monkeypatch, policy
):
    together = cached(*policy)
    ours = sample(together)
    monkeypatch.setattr("svd_studio.sampling.memory.TOGETHER_BELOW", 0)
    in_turns = cached(*policy)
    assert error(sample(in_turns), ours) < ROUNDING
    assert run_of(in_turns).whole == run_of(together).whole
    assert run_of(in_turns).reused == run_of(together).reused


@pytest.mark.parametrize("in_turns", [False, True])
def test_a_conditioning_that_was_left_out_begins_with_a_whole_evaluation(
    mini, conditioning, cached, run_of, monkeypatch, in_turns
):
    """As with guidance within a range of sigma. Here it is left out from 300 down to 100."""
    import comfy.sample
    import comfy.samplers
    from svd_studio.models.patches.memory import with_memory_plan

    def late(arguments):
        conds = arguments["conds"]
        guided = not 100 < float(arguments["sigma"].max()) < 300
        chosen = conds if guided else [conds[0], None]
        return comfy.samplers.calc_cond_batch(
            arguments["model"], chosen, arguments["input"], arguments["sigma"],
            arguments["model_options"],
        )  # fmt: skip

    if in_turns:
        monkeypatch.setattr("svd_studio.sampling.memory.TOGETHER_BELOW", 0)
    model = with_memory_plan(cached(LEVEL, 2), None)
    model.set_model_sampler_calc_cond_batch_function(late)
    positive, negative, empty = conditioning
    noise = comfy.sample.prepare_noise(empty["samples"], 3)
    sigmas = torch.tensor([700.0, 200.0, 150.0, 50.0, 20.0, 5.0, 0.0])
    comfy.sample.sample_custom(
        model, noise, 2.0, comfy.samplers.sampler_object("euler"), sigmas, positive, negative,
        empty["samples"], disable_pbar=True,
    )  # fmt: skip
    run = run_of(model)
    # The first conditioning is whole on steps 0, 2, 4, the second on steps 0, 3, 5.
    assert (run.whole, run.reused) == (3 + 3, 3 + 1)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_every_rung_of_the_memory_plan_gives_the_same_film(
    sample, cached, run_of, rung, monkeypatch
):
    ours = sample(cached(LEVEL, 2))
    chunked = None if rung.chunk_elements is None else 2**16
    small = replace(rung, chunk_elements=chunked)
    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", (small,))
    model = cached(LEVEL, 2)
    assert error(sample(model), ours) < ROUNDING
    assert run_of(model).reused == STEPS


def test_memory_that_runs_out_changes_nothing(sample, cached, run_of, monkeypatch):
    from svd_studio.dev.short_memory import ShortMemory

    small = tuple(
        rung if rung.chunk_elements is None else replace(rung, chunk_elements=2**16)
        for rung in RUNGS
    )
    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", small)
    ours = sample(cached(LEVEL, 2), steps=3)
    with ShortMemory(2**19) as counter:
        sample(cached(LEVEL, 2), steps=3)
    for fail_at in range(0, counter.count, max(1, counter.count // 6)):
        with ShortMemory(2**19, {fail_at}):
            found = sample(cached(LEVEL, 2), steps=3)
        assert error(found, ours) < ROUNDING, fail_at


def test_with_guidance_a_lora_and_a_mask(mini, sample, cached, run_of, conditioning):
    from svd_studio.models.patches.guidance import with_guidance
    from svd_studio.nodes.lora_inputs import BUILT_IN
    from svd_studio.nodes.run_lora import LoraSettings, add_lora

    guided = with_guidance(mini.model, FrameGuidance(1.0, 3.0))
    (name,) = BUILT_IN
    model, _, _ = add_lora(guided, name, None, LoraSettings(1.0, 1.0, 1.0, 300.0, 0.5))
    empty = conditioning[2]
    mask = torch.zeros(4, 1, 8, 16)
    mask[..., 8:] = 1
    latent = empty | {"noise_mask": mask, "samples": torch.ones_like(empty["samples"])}
    whole = sample(model, latent=latent)
    assert error(whole, sample(guided, latent=latent)) > 0.001
    patched = cached(LEVEL, 2, model=model)
    found = sample(patched, latent=latent)
    assert run_of(patched).reused == STEPS
    assert 0 < error(found, whole) < 0.1
    assert error(found[..., :7], whole[..., :7]) < 1e-6  # what the mask keeps


def test_both_directions_of_a_loop_keep_their_own(mini, sample, cached, run_of, most_held):
    from svd_studio.models.patches.ends import with_ends

    looped = with_ends(mini.model)
    whole = sample(looped)
    orders = cached(LEVEL, 2, model=looped), with_ends(cached(LEVEL, 2))
    films = []
    for model in orders:
        run, held = run_of(model), most_held(model)
        films.append(sample(model))
        assert error(films[-1], whole) < 0.1
        assert (run.whole, run.reused) == (2 * STEPS, 2 * STEPS)
        assert max(held) == run.bytes_held(whole.shape, 4, conds=4)
    assert torch.equal(*films)


def test_core_samplers_use_it_too(mini, conditioning, cached, run_of):
    import nodes

    model = cached(LEVEL, 2)
    nodes.KSampler().sample(model, 3, 4, 2.5, "euler", "karras", *conditioning)
    assert (run_of(model).whole, run_of(model).reused) == (4, 4)


def test_a_controlnet_makes_everything_whole_and_says_so(sample, cached, run_of):
    model = cached(LEVEL, 2)

    def control(executor, x, timesteps, context, y, control, options, **told):
        return executor(x, timesteps, context, y, {}, options, **told)

    # Before the cache's own wrapper, as core hands a control in.
    model.wrappers["diffusion_model"] = {"control": [control], **model.wrappers["diffusion_model"]}
    assert torch.equal(sample(model), sample())
    assert (run_of(model).whole, run_of(model).reused) == (2 * STEPS, 0)
    assert "ControlNet" in run_of(model).describe()


def test_context_windows_make_everything_whole_and_say_so(sample, cached, run_of, mini):
    from comfy.context_windows import (
        IndexListContextHandler,
        get_matching_context_schedule,
        get_matching_fuse_method,
    )

    def windowed(model):
        model = model.clone()
        model.model_options["context_handler"] = IndexListContextHandler(
            get_matching_context_schedule("standard_static"),
            get_matching_fuse_method("pyramid"),
            context_length=2,
            context_overlap=1,
        )
        return model

    model = windowed(cached(LEVEL, 2))
    # Core compares the steps' sigmas with the frames' here, and wants as many of both.
    assert torch.equal(sample(model, steps=3), sample(windowed(mini.model), steps=3))
    assert run_of(model).reused == 0
    assert "context windows" in run_of(model).describe()
