"""Sampling within a budget: the same film whatever the budget and whatever runs out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from svd_studio.dev.short_memory import ShortMemory
from svd_studio.sampling.ladder import NotEnoughMemoryError
from svd_studio.sampling.memory import GIBI, RUNGS

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

STEPS = 2
LARGE = 2**19  # bytes, a hundred or so of such allocations in a run
# The chunks below are so small that kernels round differently, which guidance and steps amplify.
ROUNDING = 1e-4
# As RUNGS, for a film so small that none of theirs would make a second chunk.
SMALL_RUNGS = (
    RUNGS[0],
    replace(RUNGS[1], chunk_elements=2**18),
    replace(RUNGS[2], chunk_elements=2**16),
    replace(RUNGS[3], chunk_elements=2**16),
)


@pytest.fixture
def sample(mini, conditioning):
    """Sample with a budget in GiB (None: what is free): the latents and the report."""
    from svd_studio.models.patches.memory import with_memory_plan
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def sample(gib=None, sampler="euler", model=mini.model):
        budget = None if gib is None else gib * GIBI
        settings = SamplerSettings(7, STEPS, "karras", sampler, 0.0, 0.0, 2.5)
        latent, report = run_sampler(with_memory_plan(model, budget), *conditioning, settings)
        return latent["samples"], report

    return sample


@pytest.fixture
def small_rungs(monkeypatch):
    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", SMALL_RUNGS)


@pytest.fixture
def on_rung(monkeypatch):
    """Have every plan begin on the first of these rungs and go no further than the last."""

    def on_rung(*rungs):
        monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", rungs)

    return on_rung


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


def codes(mini, latents: torch.Tensor) -> torch.Tensor:
    """The film in 8 bits."""
    return (mini.vae.decode(latents).clamp(0, 1) * 255).round()


def patched_layers(model) -> list[str]:
    """Names of the layers whose `forward` is not their class's own."""
    return [
        name
        for name, layer in model.model.diffusion_model.named_modules()
        if getattr(layer.forward, "__func__", None) is not type(layer).forward
    ]


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_every_rung_gives_the_same_film(sample, on_rung, mini, rung):
    whole, _ = sample()
    on_rung(rung)
    latents, report = sample()
    assert rung.name in report
    assert torch.equal(codes(mini, latents), codes(mini, whole))


@pytest.mark.parametrize("rung", SMALL_RUNGS[1:], ids=lambda rung: rung.name)
def test_many_small_chunks_give_the_same_latents(sample, on_rung, rung):
    whole, _ = sample()
    on_rung(rung)
    latents, _ = sample()
    assert relative_error(latents, whole) < ROUNDING


@pytest.mark.parametrize("gib", [1, 2, 4, 8, float("inf")])
def test_every_budget_gives_the_same_film(sample, gib):
    assert torch.equal(sample(gib)[0], sample()[0])


def test_plenty_of_memory_leaves_the_model_unpatched(sample, mini):
    sample(float("inf"))
    assert patched_layers(mini.model) == []


def test_patches_go_with_the_clone(sample, mini, on_rung, monkeypatch):
    with monkeypatch.context() as one_run:
        one_run.setattr("svd_studio.models.patches.memory.RUNGS", RUNGS[2:3])
        sample()
        assert patched_layers(mini.model)
    sample(float("inf"))
    assert patched_layers(mini.model) == []


def test_memory_that_runs_out_anywhere_changes_nothing(sample, small_rungs, mini):
    whole, _ = sample()
    with ShortMemory(LARGE) as counter:
        sample()
    assert counter.count > 50
    for fail_at in range(counter.count):
        with ShortMemory(LARGE, {fail_at}):
            latents, report = sample()
        assert "out of memory with" in report, fail_at
        assert relative_error(latents, whole) < ROUNDING, fail_at


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m", "dpmpp_3m_sde", "heun"])
def test_samplers_with_a_memory_or_a_generator_go_on_unharmed(sample, small_rungs, sampler):
    whole, _ = sample(sampler=sampler)
    with ShortMemory(LARGE, fail_at={60}):
        latents, report = sample(sampler=sampler)
    assert "out of memory with" in report
    assert relative_error(latents, whole) < ROUNDING


def test_a_device_that_is_always_short_climbs_as_far_as_it_must(sample, small_rungs, on_rung):
    whole, _ = sample()
    on_rung(SMALL_RUNGS[2])
    with ShortMemory(LARGE) as small_chunks:
        sample()
    on_rung(*SMALL_RUNGS)
    with ShortMemory(LARGE, limit=small_chunks.largest):
        latents, report = sample()
    assert report.count("out of memory with") >= 1
    assert relative_error(latents, whole) < ROUNDING


def test_below_the_last_rung_the_message_says_what_to_do(sample, small_rungs):
    with ShortMemory(LARGE, limit=2**15), pytest.raises(NotEnoughMemoryError) as error:
        sample()
    for words in ("4 frames of 128x64", "GiB", "smaller size", "SVD Memory Plan", "close"):
        assert words in str(error.value)
    sample()


def test_a_budget_that_nothing_fits_is_refused_before_the_run(sample):
    with pytest.raises(NotEnoughMemoryError, match=r"there are 0\.00 GiB"):
        sample(0.0001)


def test_interrupting_a_chunk_ends_the_run_and_harms_nothing(sample, on_rung, monkeypatch):
    import comfy.model_management as management

    whole, _ = sample()
    on_rung(SMALL_RUNGS[2])
    calls = []

    def interrupt():
        calls.append(1)
        if len(calls) == 400:
            raise management.InterruptProcessingException

    with monkeypatch.context() as once:
        once.setattr(management, "throw_exception_if_processing_interrupted", interrupt)
        with pytest.raises(management.InterruptProcessingException):
            sample()
    assert len(calls) == 400
    assert relative_error(sample()[0], whole) < ROUNDING


def test_core_samplers_stay_within_the_budget_too(mini, conditioning, on_rung):
    from svd_studio.nodes.memory import SVDMemoryPlan

    import nodes

    def film(model):
        return nodes.KSampler().sample(model, 3, 2, 2.5, "euler", "karras", *conditioning)[0]

    on_rung(SMALL_RUNGS[2])
    planned, _ = SVDMemoryPlan.execute(mini.model, 0.0).args
    assert relative_error(film(planned)["samples"], film(mini.model)["samples"]) < ROUNDING


def test_attention_patches_of_others_see_whole_batches(mini, sample, on_rung):
    seen = []

    def look(q, k, v, options):
        seen.append(len(q))
        return q, k, v

    patched = mini.model.clone()
    patched.set_model_attn1_patch(look)
    on_rung(SMALL_RUNGS[2])
    _, report = sample(model=patched)
    in_chunks = set(seen)
    seen.clear()
    on_rung(RUNGS[0])
    sample(model=patched)
    assert in_chunks == set(seen)
    assert "patched by another node" in report


def test_the_forecast_marks_what_a_budget_chooses(mini):
    from svd_studio.nodes.memory import SVDMemoryPlan

    _, report = SVDMemoryPlan.execute(mini.model, 1.0).args
    assert "14 frames of 256x144" in report
    assert "budget 1.00 GiB" in report
    assert "> " in report
