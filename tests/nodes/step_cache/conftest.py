"""What tests of the step cache share."""

from __future__ import annotations

from collections import Counter

import pytest
from svd_studio.sampling.step_cache import StepCache

STEPS = 6


@pytest.fixture
def cached(mini):
    """cached(blocks, every, ...): svd-mini with a cache."""
    from svd_studio.models.patches.step_cache import with_step_cache

    def cached(*policy, model=mini.model, **more):
        return with_step_cache(model, StepCache(*policy, **more))

    return cached


@pytest.fixture
def sample(mini, conditioning):
    """sample(model): the latents of a run of SVD Sampler."""
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def sample(model=mini.model, sampler="euler", latent=None, start=700.0, steps=STEPS):
        positive, negative, empty = conditioning
        settings = SamplerSettings(7, steps, "karras", sampler, start, 0.0, 2.5)
        return run_sampler(model, positive, negative, latent or empty, settings)[0]["samples"]

    return sample


@pytest.fixture
def run_of(core):
    from svd_studio.models.patches.step_cache import step_cache_of

    return step_cache_of


@pytest.fixture
def in_turns(monkeypatch):
    """Conditionings take turns, as those of larger films do."""
    monkeypatch.setattr("svd_studio.sampling.memory.TOGETHER_BELOW", 0)


@pytest.fixture
def unet(mini):
    return mini.model.model.diffusion_model


@pytest.fixture
def calls(unet):
    """How often each block has run, by name."""
    counted = Counter()
    handles = [
        block.register_forward_hook(lambda *_, name=name: counted.update([name]))
        for name, block in unet.named_modules()
        if type(block).__name__ in ("VideoResBlock", "Downsample") or name == "input_blocks.0.0"
    ]
    yield counted
    for handle in handles:
        handle.remove()


@pytest.fixture
def most_held(run_of):
    """most_held(model): bytes that its cache holds, before each of the evaluations to come."""

    def most_held(model):
        run, held = run_of(model), []

        def look(executor, *args):
            kept = [track.deep for track in run._tracks.values() if track.deep is not None]
            tensors = [tensor for deep in kept for tensor in (deep.h, deep.outer)]
            held.append(sum(tensor.nbytes for tensor in tensors if tensor is not None))
            return executor(*args)

        model.add_wrapper_with_key("calc_cond_batch", "look", look)
        return held

    return most_held
