"""SVD Step Cache: what is reused, what that costs, and that nothing else changes."""

from __future__ import annotations

import time
from statistics import median

import pytest
import torch
from svd_studio.sampling.step_cache import StepCache
from svd_studio.sampling.unet_cost import Film, unet_cost

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

STEPS = 6
LEVEL = 3  # blocks of svd-mini's widest level, down to the layer below it


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Root mean square, of the latents' own."""
    return float((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt())


def seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m"])
def test_every_step_whole_is_no_cache(sample, cached, sampler):
    assert torch.equal(sample(cached(LEVEL, 1), sampler), sample(sampler=sampler))


@pytest.mark.parametrize("threshold", [0.0, 1e-9])
@pytest.mark.usefixtures("in_turns")
def test_capturing_alone_changes_no_bit(sample, cached, run_of, threshold):
    """With a range that begins at the last step there is one whole evaluation, and it is kept."""
    model = cached(LEVEL, 2, threshold, start_sigma=0.01)
    assert torch.equal(sample(model), sample())
    assert run_of(model).reused == 0


@pytest.mark.usefixtures("in_turns")
def test_a_threshold_that_is_always_passed_changes_no_bit(sample, cached, run_of):
    model = cached(LEVEL, 4, 1e-9)
    assert torch.equal(sample(model), sample())
    run = run_of(model)
    assert (run.whole, run.reused) == (2 * STEPS, 0)
    assert run.measured_in_vain == 2 * (STEPS - 1)
    assert run.equal_to > run.whole


@pytest.mark.parametrize("blocks", range(1, 7))
def test_reusing_what_belongs_to_the_same_evaluation_changes_no_bit(mini, blocks):
    """The loop over the outer blocks is core's own: with the right tensor it gives core's own."""
    from svd_studio.models.patches.outer_blocks import OuterBlocks, UNetCall

    unet = mini.model.model.diffusion_model
    generator = torch.Generator().manual_seed(1)
    x, context, y = (
        torch.randn(shape, generator=generator) for shape in ((6, 8, 9, 13), (6, 1, 192), (6, 768))
    )
    seen = []

    def look(h, *arguments):
        """Would notice another place, another transformer or shape, and what it did before."""
        options = arguments[-1]
        seen.append((options["block"], options["transformer_index"], h.shape))
        h *= 1.01
        return h if len(arguments) == 1 else (h, arguments[0])

    names = "input_block_patch", "input_block_patch_after_skip", "output_block_patch"
    options = {
        "patches": {name: [look] for name in names}
        | {"emb_patch": [lambda emb, channels, options: emb * 1.5]},
        "cond_or_uncond": [1, 0],
        "uuids": ["a", "b"],
    }
    told = {"num_video_frames": 3}
    call = UNetCall(x, torch.full((6,), 0.4), context, y, None, options, told)
    outer = OuterBlocks(unet, blocks)
    whole, deep = outer.whole(unet, call, measure=False)
    places, seen[:] = list(seen), []
    _, encoded = outer.encode(call)
    assert torch.equal(outer.decode(call, encoded, deep), whole)
    assert seen == places[: 2 * blocks] + places[-blocks:]
    assert [len(one.h) for one in deep] == [3, 3]


def test_a_reused_evaluation_runs_the_outer_blocks_only(sample, cached, calls):
    sample(cached(LEVEL, 3), steps=6)
    inner = {"input_blocks.3.0", "input_blocks.4.0", "input_blocks.5.0", "middle_block.0"}
    inner |= {f"output_blocks.{number}.0" for number in range(3)}
    outer = {"input_blocks.0.0", "input_blocks.1.0", "input_blocks.2.0"}
    outer |= {f"output_blocks.{number}.0" for number in range(3, 6)}
    passes = calls["input_blocks.0.0"]  # 6, or 12 where conditionings take turns
    assert {calls[name] for name in outer} == {passes}
    assert {calls[name] for name in inner} == {passes // 3}


@pytest.mark.parametrize(
    ("sampler", "whole", "reused"),
    # heun evaluates at every sigma twice but the first and the last above zero.
    [("euler", 3, 3), ("dpmpp_2m", 3, 3), ("heun", 5, 6), ("euler_ancestral", 3, 3)],
)
def test_the_counters_are_those_of_the_policy(sample, cached, run_of, sampler, whole, reused):
    model = cached(LEVEL, 2)
    sample(model, sampler)
    run = run_of(model)
    assert (run.whole, run.reused) == (2 * whole, 2 * reused)
    share = unet_cost(run._unet, Film(4, 8, 16)).share_of_reused(LEVEL)
    assert run.equal_to == pytest.approx(2 * (whole + reused * share))
    assert f"{2 * whole} whole, {2 * reused} reused" in run.describe()


def test_a_film_with_a_cache_is_nearly_the_one_without(sample, cached):
    whole = sample(steps=12)
    low = error(sample(cached(LEVEL, 2, end_sigma=0.0, start_sigma=1.0), steps=12), whole)
    everywhere = error(sample(cached(LEVEL, 2), steps=12), whole)
    assert 0 < low < 0.01
    assert low < everywhere < 0.1


def test_a_threshold_reuses_where_little_changes(sample, cached, run_of):
    model = cached(LEVEL, 8, 0.5)
    sample(model, steps=12)
    loose = run_of(model)
    assert loose.reused > 0
    tight_model = cached(LEVEL, 8, 0.05)
    sample(tight_model, steps=12)
    assert run_of(tight_model).reused < loose.reused


@pytest.mark.parametrize("policy", [(LEVEL, 2), (2, 2, 0.4)], ids=["steps", "threshold"])
def test_it_holds_what_was_said_beforehand_and_lets_go(sample, cached, run_of, most_held, policy):
    model = cached(*policy)
    run, held = run_of(model), most_held(model)
    shape = sample(model).shape
    assert max(held) == run.bytes_held(shape, 4, conds=2) > 0
    assert run._tracks is None


def test_the_run_after_one_that_was_interrupted_is_right(sample, cached, run_of, monkeypatch):
    import comfy.model_management as management

    model = cached(LEVEL, 3)
    ours = sample(model)
    seen = []

    def interrupt(executor, *args):
        seen.append(1)
        if len(seen) == 3:
            raise management.InterruptProcessingException
        return executor(*args)

    broken = model.clone()
    broken.add_wrapper_with_key("calc_cond_batch", "interrupt", interrupt)
    with pytest.raises(management.InterruptProcessingException):
        sample(broken)
    assert run_of(model)._tracks is None
    assert torch.equal(sample(model), ours)


def test_two_models_share_nothing(sample, cached, run_of, mini):
    every_two, every_three = cached(LEVEL, 2), cached(LEVEL, 3)
    ours = sample(every_two)
    sample(every_three)
    assert run_of(every_two).reused == STEPS
    assert run_of(every_three).reused == 2 * STEPS * 2 // 3
    assert torch.equal(sample(every_two), ours)
    assert run_of(mini.model) is None


def test_a_later_policy_replaces_an_earlier_one(sample, cached, run_of):
    model = cached(LEVEL, 3, model=cached(2, 2))
    assert run_of(model).policy == StepCache(LEVEL, 3)
    assert torch.equal(sample(model), sample(cached(LEVEL, 3)))


def test_a_reused_evaluation_is_as_much_faster_as_it_computes_less(mini):
    from svd_studio.models.patches.outer_blocks import OuterBlocks, UNetCall

    unet, film = mini.model.model.diffusion_model, Film(8, 18, 32)
    frames = film.num_frames
    x, context, y = torch.randn(frames, 8, 18, 32), torch.randn(frames, 1, 192), torch.randn(8, 768)
    told = {"num_video_frames": frames}
    call = UNetCall(x, torch.ones(frames), context, y, None, {}, told)
    outer = OuterBlocks(unet, 2)
    _, deep = outer.whole(unet, call, measure=False)

    def reuse():
        _, encoded = outer.encode(call)
        outer.decode(call, encoded, deep)

    ratios = [seconds(reuse) / seconds(lambda: call.run(unet)) for _ in range(7)]
    assert median(ratios) < 0.5  # 0.21 by multiply-adds


def test_more_blocks_than_there_are_are_refused(cached):
    with pytest.raises(ValueError, match="6 blocks and 7 were asked"):
        cached(7, 2)


def test_another_kind_of_model_is_refused(mini):
    from types import SimpleNamespace

    from svd_studio.models.patches.step_cache import with_step_cache

    with pytest.raises(ValueError, match="connect the MODEL of Load SVD Model"):
        with_step_cache(SimpleNamespace(model=object()), StepCache(3))


def test_the_node_is_that_function_and_can_be_turned_off(mini, run_of):
    from svd_studio.nodes.step_cache import SVDStepCache

    model = SVDStepCache.execute(mini.model, True, 3, 2, 0.0, 0.0, 1.0).args[0]
    assert run_of(model).policy == StepCache(3, 2, end_sigma=1.0)
    assert run_of(SVDStepCache.execute(model, False, 3, 2).args[0]) is None
    assert run_of(SVDStepCache.execute(model, True, 3, 1).args[0]) is None
