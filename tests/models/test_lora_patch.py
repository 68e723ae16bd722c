"""A LoRA on a model: what it changes, and what it leaves as it was."""

from __future__ import annotations

import math

import pytest
import torch
from svd_studio.models.lora.families import is_temporal
from svd_studio.models.lora.weights import LoraWeights

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

SPATIAL = "middle_block.1.transformer_blocks.0.attn1.to_q"
TEMPORAL = "middle_block.1.time_stack.0.attn1.to_k"
FEED_FORWARD = "middle_block.1.time_stack.0.ff.net.2"
CONVOLUTION = "input_blocks.1.0.in_layers.2"
RANK = 4
SIGMAS = (700.0, 20.0, 1.0, 0.05)
ROUNDING = 1e-5


@pytest.fixture(scope="module")
def lora(mini):
    """lora(seed, *modules): random factors that change the film visibly."""
    from svd_studio.models.patches.lora import unet_shapes

    shapes = unet_shapes(mini.model)

    def lora(seed=1, modules=(SPATIAL, TEMPORAL, FEED_FORWARD, CONVOLUTION), **more):
        generator = torch.Generator().manual_seed(seed)
        found = {}
        for name in modules:
            out, *inner = shapes[f"{name}.weight"]
            found[name] = {
                "lora_up.weight": torch.randn(out, RANK, generator=generator) * 0.1,
                "lora_down.weight": torch.randn(RANK, math.prod(inner), generator=generator) * 0.1,
                "alpha": torch.tensor(2.0),
                **{role: make(shapes[f"{name}.weight"]) for role, make in more.items()},
            }
        return LoraWeights(f"lora {seed}", found)

    return lora


@pytest.fixture(scope="module")
def conditioning(mini, photograph):
    """For 4 frames of 128x64: positive, negative and an empty latent."""
    from svd_studio.nodes.condition import SVDConditioning

    with torch.inference_mode():
        return SVDConditioning.execute(
            mini.image_encoder, mini.vae, photograph, 128, 64, 4, 127, 7, 0.02, 5, "cover",
            "whole picture (reference)",
        ).args  # fmt: skip


@pytest.fixture(scope="module")
def predict(mini, conditioning):
    """predict(model, sigma): x0 of one evaluation, as samplers ask for it."""
    import comfy.sample
    import comfy.samplers

    positive, negative, latent = conditioning
    noise = comfy.sample.prepare_noise(latent["samples"], 5)

    def predict(model, sigma):
        seen = []  # two sigmas make one step, of which core's callback tells the prediction
        comfy.sample.sample_custom(
            model,
            noise,
            1.0,
            comfy.samplers.sampler_object("euler"),
            torch.tensor([sigma, 0.0]),
            positive,
            negative,
            latent["samples"],
            callback=lambda step, x0, x, steps: seen.append(x0.clone()),
            disable_pbar=True,
        )
        return seen[0]

    return predict


def error(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


def apply(model, *arguments):
    from svd_studio.models.patches.lora import apply_lora

    return apply_lora(model, *arguments)


def strength(*values):
    from svd_studio.models.patches.lora import LoraStrength

    return LoraStrength(*values)


def windowed(start, end):
    return strength(1.0, 1.0, start, end)


def leftovers(model) -> list[str]:
    """Layers that have a function on their weight or bias."""
    return [
        name
        for name, layer in model.model.named_modules()
        if getattr(layer, "weight_function", None) or getattr(layer, "bias_function", None)
    ]


def test_weights_get_strength_times_the_product_of_the_factors(mini, lora):
    import comfy.model_management
    from svd_studio.models.patches.lora import unet_weights

    weights = lora()
    patched = apply(mini.model, weights, strength(0.5, -2.0))
    comfy.model_management.load_models_gpu([mini.model])
    base = {name: weight.clone() for name, weight in unet_weights(mini.model).items()}
    comfy.model_management.load_models_gpu([patched])
    for module, adapter in weights.modules.items():
        key = f"diffusion_model.{module}.weight"
        before = base[module + ".weight"]
        product = adapter["lora_up.weight"] @ adapter["lora_down.weight"]
        scale = (-2.0 if is_temporal(module) else 0.5) * 2.0 / RANK
        wanted = before + scale * product.reshape(before.shape)
        assert error(patched.model.state_dict()[key], wanted) < 1e-6
        assert torch.equal(unet_weights(patched)[module + ".weight"], before)


def test_a_strength_of_0_is_the_base_to_the_bit(mini, lora, predict):
    patched = apply(mini.model, lora(), strength(0.0, 0.0))
    assert not patched.patches
    assert torch.equal(predict(patched, 20.0), predict(mini.model, 20.0))


@pytest.mark.parametrize(("values", "changed"), [((1, 0), False), ((0, 1), True)])
def test_layers_within_and_across_frames_have_strengths_of_their_own(mini, lora, values, changed):
    patched = apply(mini.model, lora(), strength(*values))
    modules = {key.removeprefix("diffusion_model.").rpartition(".")[0] for key in patched.patches}
    assert {is_temporal(module) for module in modules} == {changed}


def test_the_film_changes(mini, lora, predict):
    patched = apply(mini.model, lora())
    assert error(predict(patched, 20.0), predict(mini.model, 20.0)) > 0.01


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_window_of_everything_is_the_lora_without_one(mini, lora, predict, sigma):
    always = apply(mini.model, lora())
    window = apply(mini.model, lora(), windowed(1e9, 0.0))
    assert not window.patches
    assert error(predict(window, sigma), predict(always, sigma)) < ROUNDING


@pytest.mark.parametrize("sigma", SIGMAS)
def test_outside_its_window_a_lora_is_not_there_to_the_bit(mini, lora, predict, sigma):
    below = apply(mini.model, lora(), windowed(0.01, 0.0))
    above = apply(mini.model, lora(), windowed(1000.0, 700.0))
    base = predict(mini.model, sigma)
    assert torch.equal(predict(below, sigma), base)
    assert torch.equal(predict(above, sigma), base)


def test_a_window_has_its_start_and_not_its_end(mini, lora, predict):
    base, always = predict(mini.model, 20.0), predict(apply(mini.model, lora()), 20.0)
    from_here = predict(apply(mini.model, lora(), windowed(20.0, 1.0)), 20.0)
    until_here = predict(apply(mini.model, lora(), windowed(100.0, 20.0)), 20.0)
    assert error(from_here, always) < ROUNDING
    assert torch.equal(until_here, base)


@pytest.mark.parametrize("windows", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_loras_add_up_in_any_order_windowed_or_not(mini, lora, predict, windows):
    wanted = predict(apply(apply(mini.model, lora(1)), lora(2)), 20.0)
    model = mini.model
    for seed, window in zip((2, 1), windows, strict=True):
        model = apply(model, lora(seed), windowed(50.0, 10.0) if window else strength(1, 1))
    assert error(predict(model, 20.0), wanted) < ROUNDING


def test_differences_of_weights_and_biases_act_in_a_window_as_without(mini, lora, predict):
    weights = lora(
        3,
        (SPATIAL.replace("to_q", "to_out.0"), FEED_FORWARD),
        diff_b=lambda shape: torch.linspace(-1, 1, shape[0]),
    )
    always = predict(apply(mini.model, weights), 20.0)
    assert error(predict(apply(mini.model, weights, windowed(50.0, 1.0)), 20.0), always) < ROUNDING
    for adapter in weights.modules.values():
        del adapter["diff_b"]
    assert error(predict(apply(mini.model, weights), 20.0), always) > 10 * ROUNDING


def test_nothing_stays_on_the_model_that_clones_share(mini, lora, predict):
    base = predict(mini.model, 20.0)
    predict(apply(mini.model, lora(), windowed(50.0, 1.0)), 20.0)
    assert leftovers(mini.model) == []
    assert torch.equal(predict(mini.model, 20.0), base)


def test_nothing_stays_when_an_evaluation_fails(mini, lora, predict):
    from comfy.patcher_extension import WrappersMP

    def fails(executor, *args, **kwargs):
        raise RuntimeError("stop")

    window = apply(mini.model, lora(), windowed(50.0, 1.0))
    window.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "last", fails)
    with pytest.raises(RuntimeError, match="stop"):
        predict(window, 20.0)
    assert leftovers(mini.model) == []


def test_layers_that_core_keeps_off_the_device_are_patched_alike(mini, lora, predict):
    from comfy.patcher_extension import WrappersMP

    asked = []

    def ask(executor, *args, **kwargs):
        asked.append((args, kwargs))
        return executor(*args, **kwargs)

    both = apply(apply(mini.model, lora(1)), lora(2), windowed(50.0, 10.0))
    both.wrappers[WrappersMP.APPLY_MODEL] = {
        "first": [ask],
        **both.wrappers[WrappersMP.APPLY_MODEL],
    }
    wanted = predict(both, 20.0)
    both.detach()
    both.patch_model(both.load_device, lowvram_model_memory=1)
    try:
        patched = leftovers(both)
        assert len(patched) == 4
        ((args, kwargs),) = asked
        found = both.model.apply_model(*args, **kwargs)
        assert leftovers(both) == patched
    finally:
        both.detach()
    assert error(found, wanted) < ROUNDING


@pytest.mark.parametrize("per_output", [True, False])
def test_dora_is_a_direction_at_a_learned_magnitude(mini, lora, per_output):
    """Liu et al. 2024, equation 5, at a strength between."""
    from svd_studio.models.patches.lora import unet_weights
    from svd_studio.models.patches.lora_adapters import core_patches, patched_weight

    def magnitude(shape):
        size = (shape[0], 1) if per_output else (1, shape[1])
        return torch.linspace(0.5, 2.0, max(size)).reshape(size)

    weights = lora(4, (SPATIAL,), dora_scale=magnitude)
    ((key, patch),) = core_patches(weights).items()
    weight = unet_weights(mini.model)[f"{SPATIAL}.weight"]
    adapter = weights.modules[SPATIAL]
    whole = weight + 0.5 * adapter["lora_up.weight"] @ adapter["lora_down.weight"]
    norm = whole.norm(dim=1 if per_output else 0, keepdim=True)
    trained = adapter["dora_scale"] * whole / norm
    found = patched_weight(key, weight, patch, 0.3)
    assert error(found, weight + 0.3 * (trained - weight)) < 1e-6


def test_it_runs_in_chunks_as_whole(mini, lora, conditioning, monkeypatch):
    from dataclasses import replace

    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler
    from svd_studio.sampling.memory import RUNGS

    model = apply(apply(mini.model, lora(1)), lora(2), windowed(50.0, 0.1))
    settings = SamplerSettings(7, 2, "karras", "euler", 0.0, 0.0, 1.0)
    whole, report = run_sampler(model, *conditioning, settings)
    assert "LoRA lora 1: 4 layers, spatial 1, temporal 1\n" in report
    assert "LoRA lora 2: 4 layers, spatial 1, temporal 1 from sigma 50 above sigma 0.1" in report
    small = (replace(RUNGS[2], chunk_elements=2**16),)
    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", small)
    chunked, _ = run_sampler(model, *conditioning, settings)
    assert error(chunked["samples"], whole["samples"]) < 1e-4


def test_loras_are_remembered_in_order(mini, lora):
    from svd_studio.models.patches.lora import loras_of

    model = apply(apply(mini.model, lora(1)), lora(2), windowed(50.0, 1.0)).clone()
    assert [applied.name for applied in loras_of(model)] == ["lora 1", "lora 2"]
    assert loras_of(mini.model) == ()


def test_another_kind_of_model_is_refused(mini, lora):
    from comfy.model_patcher import ModelPatcher

    other = ModelPatcher(torch.nn.Linear(2, 2), torch.device("cpu"), torch.device("cpu"))
    with pytest.raises(ValueError, match="Linear: connect the MODEL of Load SVD Model"):
        apply(other, lora())
