"""Exact savings inside the network, against core's own layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from svd_studio.sampling.memory import RUNGS

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

ROUNDING = 1e-6
GUIDED = 3e-5  # one evaluation, its rounding amplified by guidance
AFTER_STEPS = 1e-4
FRAMES, PIXELS = 5, 12
SPATIAL = "middle_block.1.transformer_blocks.0.attn2"
TEMPORAL = "middle_block.1.time_stack.0.attn2"
# As RUNGS, for a film so small that none of theirs would make a second chunk.
MANY_CHUNKS = (replace(RUNGS[1], chunk_elements=2**18), replace(RUNGS[2], chunk_elements=2**16))


@pytest.fixture
def film(conditioning):
    """film(model, steps): latents of SVD Sampler, both conditionings in one pass."""
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def film(model, steps=1):
        settings = SamplerSettings(7, steps, "karras", "euler", 0.0, 0.0, 2.5)
        return run_sampler(model, *conditioning, settings)[0]["samples"]

    return film


@pytest.fixture
def fast(mini):
    from svd_studio.nodes.fast_layers import SVDFastLayers

    return SVDFastLayers.execute(mini.model, True, True).args[0]


@pytest.fixture
def layers(mini):
    """layers(name): core's cross-attention and the one in its place."""
    from svd_studio.models.patches.single_token import with_single_token

    def layers(name):
        patches = with_single_token(mini.model).object_patches
        own = mini.model.model.diffusion_model.get_submodule(name)
        return type(own).forward.__get__(own), patches[f"diffusion_model.{name}.forward"]

    return layers


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def width_of(layer):
    return layer.__self__.to_q.in_features, layer.__self__.to_v.in_features


def relative_error(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


# ---- one layer ---------------------------------------------------------------------------------


def test_within_frames_every_frame_attends_to_its_own_token(layers):
    own, ours = layers(SPATIAL)
    width, told = width_of(own)
    x, context = noise(FRAMES, PIXELS, width), noise(FRAMES, 1, told, seed=1)
    assert relative_error(ours(x, context), own(x, context)) < ROUNDING


@pytest.mark.parametrize("films", [1, 2, 3])
def test_across_frames_every_film_attends_to_its_own_token(layers, films):
    own, ours = layers(TEMPORAL)
    width, told = width_of(own)
    x = noise(films * PIXELS, FRAMES, width)
    context = noise(films, 1, told, seed=1).repeat_interleave(PIXELS, dim=0)
    options = {"activations_shape": [films * FRAMES, width, 3, 4]}
    result = ours(x, context, transformer_options=options)
    assert relative_error(result, own(x, context)) < ROUNDING


def test_across_frames_the_token_of_a_film_is_projected_once(layers, mini):
    own, ours = layers(TEMPORAL)
    width, told = width_of(own)
    seen = []
    values = mini.model.model.diffusion_model.get_submodule(f"{TEMPORAL}.to_v")
    hook = values.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    context = noise(2, 1, told).repeat_interleave(PIXELS, dim=0)
    options = {"activations_shape": [2 * FRAMES, width, 3, 4]}
    ours(noise(2 * PIXELS, FRAMES, width), context, transformer_options=options)
    hook.remove()
    assert seen == [2]


def test_pixels_keep_tokens_of_their_own_where_nothing_says_that_they_are_repeated(layers):
    own, ours = layers(TEMPORAL)
    width, told = width_of(own)
    x, context = noise(PIXELS, FRAMES, width), noise(PIXELS, 1, told, seed=1)
    assert relative_error(ours(x, context), own(x, context)) < ROUNDING


@pytest.mark.parametrize("frames", [14, 25, 40])
def test_a_frame_is_the_same_bits_in_any_company(layers, frames):
    own, ours = layers(SPATIAL)
    width, told = width_of(own)
    x, context = noise(frames, PIXELS, width), noise(frames, 1, told, seed=1)
    whole = ours(x, context)
    for length in (1, 2, 3, 5, 8, 13):
        parts = zip(x.split(length), context.split(length), strict=True)
        assert torch.equal(torch.cat([ours(*part) for part in parts]), whole)


def test_several_tokens_are_attended_to_as_ever(layers):
    own, ours = layers(SPATIAL)
    width, told = width_of(own)
    x, context = noise(FRAMES, PIXELS, width), noise(FRAMES, 3, told, seed=1)
    assert torch.equal(ours(x, context), own(x, context))


def test_a_value_of_its_own_is_what_attention_gives_back(layers):
    own, ours = layers(SPATIAL)
    width, told = width_of(own)
    x, key, value = noise(FRAMES, PIXELS, width), *noise(2, FRAMES, 1, told, seed=1)
    assert relative_error(ours(x, key, value), own(x, key, value)) < ROUNDING


# ---- films -------------------------------------------------------------------------------------


def test_a_film_is_core_s(film, fast, mini):
    assert relative_error(film(fast), film(mini.model)) < GUIDED
    assert relative_error(film(fast, 3), film(mini.model, 3)) < AFTER_STEPS


def test_core_s_samplers_make_the_same_film(fast, mini, conditioning):
    import nodes

    def film(model):
        sampler = nodes.KSampler()
        return sampler.sample(model, 3, 2, 2.5, "euler", "karras", *conditioning)[0]["samples"]

    assert relative_error(film(fast), film(mini.model)) < AFTER_STEPS


@pytest.mark.parametrize("rung", [*RUNGS, *MANY_CHUNKS], ids=lambda rung: f"{rung}")
def test_every_way_through_memory_gives_the_same_film(film, fast, mini, monkeypatch, rung):
    whole = film(fast, 2)
    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", (rung,))
    latents = film(fast, 2)
    assert relative_error(latents, whole) < AFTER_STEPS
    if rung in RUNGS:
        assert torch.equal(latents, whole)


def test_weight_layout_changes_no_bit(film, mini):
    from svd_studio.nodes.fast_layers import SVDFastLayers

    before = film(mini.model, 2)
    (laid_out,) = SVDFastLayers.execute(mini.model, False, True).args
    assert torch.equal(film(laid_out, 2), before)
    convolutions = [
        layer
        for layer in mini.model.model.diffusion_model.modules()
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3)
    ]
    kept = [c.weight.is_contiguous(memory_format=torch.channels_last) for c in convolutions]
    assert sum(kept) > len(kept) / 2
    assert torch.equal(film(mini.model, 2), before)


def test_switched_off_nothing_is_patched(fast, mini):
    from svd_studio.nodes.fast_layers import SVDFastLayers

    assert fast.object_patches
    (plain,) = SVDFastLayers.execute(fast, False, False).args
    assert plain.object_patches == mini.model.object_patches


def test_weights_of_a_lora_act(film, fast, mini):
    def with_lora(model):
        patched = model.clone()
        weights = model.model.diffusion_model.state_dict()
        for name in (SPATIAL, TEMPORAL):
            for part in ("to_v.weight", "to_out.0.weight", "to_out.0.bias"):
                shape = weights[f"{name}.{part}"].shape
                patch = ("diff", (0.3 * noise(*shape, seed=len(part)),))
                patched.add_patches({f"diffusion_model.{name}.{part}": patch}, 1.0)
        return patched

    theirs = film(with_lora(mini.model))
    assert relative_error(theirs, film(mini.model)) > 1e-3
    assert relative_error(film(with_lora(fast)), theirs) < GUIDED


@pytest.mark.parametrize("window", [(0.0, 0.0), (100.0, 1.0)], ids=["always", "in a window"])
def test_svd_lora_acts(film, fast, mini, window):
    from svd_studio.nodes.lora_inputs import BUILT_IN
    from svd_studio.nodes.run_lora import LoraSettings, add_lora

    def with_lora(model):
        settings = LoraSettings(1.0, 1.0, 1.0, *window)
        return add_lora(model, next(iter(BUILT_IN)), None, settings)[0]

    theirs = film(with_lora(mini.model), 4)
    assert relative_error(theirs, film(mini.model, 4)) > 1e-2
    assert relative_error(film(with_lora(fast), 4), theirs) < AFTER_STEPS


# ---- other nodes -------------------------------------------------------------------------------


def several_tokens(query, context, value, options):
    more = torch.cat([context, context * 0.5], dim=1)
    return query, more, more


def token_of_each_row(query, context, value, options):
    ramp = torch.linspace(0, 1, len(context))[:, None, None]
    return query, context * ramp, context * ramp


@pytest.mark.parametrize("patch", [several_tokens, token_of_each_row])
def test_contexts_of_other_nodes_are_attended_to(film, fast, mini, patch):
    def patched(model):
        model = model.clone()
        model.set_model_attn2_patch(patch)
        return model

    theirs = film(patched(mini.model))
    assert relative_error(theirs, film(mini.model)) > ROUNDING
    assert torch.equal(film(patched(fast)), theirs)


def test_what_other_nodes_make_of_the_result_may_be_written_to(film, fast, mini):
    def patched(model):
        model = model.clone()
        model.set_model_attn2_output_patch(lambda n, options: n.mul_(0.5))
        return model

    assert relative_error(film(patched(fast)), film(patched(mini.model))) < GUIDED


def test_attention_that_another_node_replaced_is_its_own(film, fast, mini):
    def patched(model):
        model = model.clone()
        model.set_model_attn2_replace(lambda q, k, v, options: 0 * q, "middle", 0)
        return model

    assert relative_error(film(patched(fast)), film(patched(mini.model))) < GUIDED


def test_an_attention_function_of_another_node_is_asked(film, fast):
    heads = []

    def override(attention, *args, **kwargs):
        heads.append(args[1].shape[1])
        return attention(*args, **kwargs)

    model = fast.clone()
    options = {"optimized_attention_override": override}
    model.model_options["transformer_options"] = (
        model.model_options.get("transformer_options", {}) | options
    )
    film(model)
    assert 1 in heads


def test_another_kind_of_model_is_refused(mini):
    from svd_studio.nodes.fast_layers import SVDFastLayers

    stranger = mini.model.clone()
    stranger.model = torch.nn.Identity()
    with pytest.raises(ValueError, match="SVD Fast Layers is for Stable Video Diffusion"):
        SVDFastLayers.execute(stranger, True, True)
