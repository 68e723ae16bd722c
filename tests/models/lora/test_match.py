from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from svd_studio.models.lora.families import Kind, kind_of
from svd_studio.models.lora.lora_file import LoraFile
from svd_studio.models.lora.match import match_lora
from svd_studio.models.lora.weights import LoraWeights
from svd_studio.models.weight_files import WeightFileError
from torch.testing import assert_close

from .lora_makers import ATTENTION_SPELLS, SPELLS, lora, spelled

TO_Q = "input_blocks.1.1.time_stack.0.attn1.to_q"
CROSS_K = "input_blocks.1.1.transformer_blocks.0.attn2.to_k"


def assert_same(found, wanted):
    assert found.modules.keys() == wanted.modules.keys()
    for module, adapter in wanted.modules.items():
        assert_close(dict(found.modules[module]), dict(adapter), rtol=0, atol=0)


def file_of(tensors, **settings):
    return LoraFile("some.safetensors", tensors, settings.pop("metadata", {}), **settings)


def one(shape_up, shape_down, prefix=f"diffusion_model.{TO_Q}"):
    return {
        f"{prefix}.lora_up.weight": torch.ones(shape_up),
        f"{prefix}.lora_down.weight": torch.ones(shape_down),
    }


@pytest.mark.parametrize("dialect", ATTENTION_SPELLS)
def test_every_dialect_brings_the_same_attention_factors(small, small_shapes, dialect):
    modules = [module for module in small.weights if kind_of(module) is Kind.ATTENTION]
    weights = lora(small.weights, modules)
    match = match_lora(spelled(weights, ATTENTION_SPELLS[dialect], small), small_shapes)
    assert_same(match.weights, weights)
    assert (match.wrong_shape, match.unmatched) == ((), ())


@pytest.mark.parametrize("dialect", SPELLS)
def test_kernels_and_projections_come_through_in_every_dialect(small, small_shapes, dialect):
    weights = lora(small.weights, [m for m, shape in small.weights.items() if len(shape) > 1])
    match = match_lora(spelled(weights, SPELLS[dialect], small), small_shapes)
    assert_same(match.weights, weights)
    assert sum(match.matched.values()) == len(weights.modules)


@pytest.mark.parametrize("dialect", SPELLS)
def test_attention_and_feed_forward_of_the_published_unet_are_matched(full, full_shapes, dialect):
    adapters = {
        module: {
            "lora_up.weight": torch.empty(shape[0], 16, device="meta"),
            "lora_down.weight": torch.empty(16, shape[1], device="meta"),
        }
        for module, shape in full.weights.items()
        if kind_of(module) in (Kind.ATTENTION, Kind.FEED_FORWARD)
    }
    file = spelled(LoraWeights("full", adapters), SPELLS[dialect], full)
    match = match_lora(file, full_shapes)
    assert match.matched == {
        "spatial attention": 128,
        "temporal attention": 128,
        "spatial feed-forward": 32,
        "temporal feed-forward": 64,
    }
    assert (match.wrong_shape, match.unmatched) == ((), ())


def test_families_are_counted_and_what_is_left_is_named(small, small_shapes):
    tensors = one((32, 4), (4, 32)) | {f"diffusion_model.{TO_Q}.alpha": torch.tensor(2.0)}
    tensors |= one((32, 4), (4, 24), f"diffusion_model.{CROSS_K}")
    tensors |= one((32, 4), (4, 768), f"diffusion_model.{CROSS_K[:-1]}v")
    tensors["lora_te_text_model.lora_up.weight"] = torch.ones(2, 2)
    match = match_lora(file_of(tensors), small_shapes)
    assert match.matched == {"temporal attention": 1, "spatial attention": 1}
    assert match.unmatched == ("lora_te_text_model.lora_up.weight",)
    assert match.wrong_shape == (f"{CROSS_K[:-1]}v changes a weight of 32x768, expected 32x24",)
    assert match.describe().splitlines() == [
        "some.safetensors: ComfyUI (sgm names), 2 adapters matched",
        "spatial attention 1, temporal attention 1",
        "rank 4, alpha 2",
        f"wrong shape (1): {CROSS_K[:-1]}v changes a weight of 32x768, expected 32x24",
        "not matched (1): lora_te_text_model.lora_up.weight",
    ]


@pytest.mark.parametrize(
    ("up", "down", "reason"),
    [
        ((32, 2), (3, 32), "whose ranks differ"),
        ((16, 2), (2, 32), "changes a weight of 16x32, expected 32x32"),
        ((32,), (2, 32), "expected a matrix"),
    ],
)
def test_factors_that_do_not_fit_are_told(small_shapes, up, down, reason):
    tensors = one(up, down) | one((32, 2), (2, 24), f"diffusion_model.{CROSS_K}")
    match = match_lora(file_of(tensors), small_shapes)
    assert list(match.weights.modules) == [CROSS_K]
    assert match.wrong_shape[0].startswith(TO_Q)
    assert reason in match.wrong_shape[0]


def test_half_an_adapter_is_told(small_shapes):
    tensors = one((32, 2), (2, 32)) | one((32, 2), (2, 24), f"diffusion_model.{CROSS_K}")
    del tensors[f"diffusion_model.{TO_Q}.lora_down.weight"]
    match = match_lora(file_of(tensors), small_shapes)
    assert match.wrong_shape == (f"{TO_Q} has no lora_down.weight",)


def test_two_adapters_in_one_file_are_refused(small, small_shapes):
    name = f"base_model.model.{small.diffusers[TO_Q]}.lora_A"
    tensors = {f"{name}.one.weight": torch.ones(2, 32), f"{name}.two.weight": torch.ones(2, 32)}
    with pytest.raises(WeightFileError, match="more than one adapter"):
        match_lora(file_of(tensors), small_shapes)


def peft_file(small, **config):
    name = f"base_model.model.{small.diffusers[TO_Q]}"
    tensors = {
        f"{name}.lora_A.weight": torch.ones(4, 32),
        f"{name}.lora_B.weight": torch.ones(32, 4),
    }
    return file_of(tensors, peft_config=config)


def alpha_of(match):
    return match.weights.modules[TO_Q]["alpha"].item()


@pytest.mark.parametrize(
    ("config", "alpha"),
    [
        ({"lora_alpha": 6}, 6),
        ({"lora_alpha": 6, "use_rslora": True}, 12),
        ({"lora_alpha": 6, "alpha_pattern": {"to_q": 3}}, 3),
        ({"lora_alpha": 6, "alpha_pattern": {"to_k": 3}}, 6),
        ({"lora_alpha": 6, "alpha_pattern": {"^to_q": 3, "down.*attn1.to_q": 5}}, 5),
    ],
)
def test_peft_settings_become_alpha(small, small_shapes, config, alpha):
    assert alpha_of(match_lora(peft_file(small, **config), small_shapes)) == alpha


@pytest.mark.parametrize("prefix", ["", "unet."])
def test_settings_that_diffusers_keeps_in_metadata_become_alpha(small, small_shapes, prefix):
    file = replace(
        peft_file(small),
        metadata={"lora_adapter_metadata": f'{{"{prefix}lora_alpha": 6}}', "steps": "5"},
        peft_config=None,
    )
    match = match_lora(file, small_shapes)
    assert alpha_of(match) == 6
    assert match.weights.metadata == {"steps": "5"}


def test_without_settings_no_alpha_is_made_up(small, small_shapes):
    match = match_lora(peft_file(small), small_shapes)
    assert "alpha" not in match.weights.modules[TO_Q]


@pytest.mark.parametrize(
    "config", [{"lora_alpha": "much"}, {"lora_alpha": 1, "alpha_pattern": {"(": 2}}]
)
def test_damaged_settings_are_refused(small, small_shapes, config):
    with pytest.raises(WeightFileError, match="damaged"):
        match_lora(peft_file(small, **config), small_shapes)


FOREIGN = {
    "AnimateDiff": "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
    "attention_blocks.0.processor.to_q_lora.down.weight",
    "Flux": "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight",
    "Flux or HunyuanVideo": "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
    "HunyuanVideo": "diffusion_model.double_blocks.0.img_attn_qkv.lora_A.weight",
    "SD3": "lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight",
    "Wan": "diffusion_model.blocks.0.self_attn.q.lora_A.weight",
    "LTX-Video": "diffusion_model.transformer_blocks.0.attn1.to_q.lora_A.weight",
    "a text encoder alone": "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
    "another kind of model": "encoder.layers.0.fc1.lora_A.weight",
}


@pytest.mark.parametrize("model", FOREIGN)
def test_a_lora_for_another_model_is_refused_by_name(small_shapes, model):
    file = file_of({FOREIGN[model]: torch.ones(2, 64)})
    with pytest.raises(WeightFileError, match=rf"(?i)some\.safetensors .*{model}"):
        match_lora(file, small_shapes)


@pytest.mark.parametrize(("width", "model"), [(768, "SD 1.x"), (2048, "SDXL"), (32, "width")])
def test_a_lora_of_another_width_is_refused_by_name(full_shapes, width, model):
    key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    with pytest.raises(WeightFileError, match=model):
        match_lora(file_of(one((320, 2), (2, width), key)), full_shapes)


def test_an_image_lora_whose_layers_fit_in_part_is_called_by_name(full_shapes):
    block = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0"
    tensors = one((320, 2), (2, 768), f"{block}_attn2_to_k")
    tensors |= one((320, 2), (2, 320), f"{block}_attn1_to_k")
    match = match_lora(file_of(tensors), full_shapes)
    assert match.matched == {"spatial attention": 1}
    assert "seems to be made for SD 1.x" in match.describe()


def test_a_checkpoint_is_refused_as_one(small_shapes):
    file = file_of({"model.diffusion_model.out.2.weight": torch.ones(2, 2)})
    with pytest.raises(WeightFileError, match="whole checkpoint"):
        match_lora(file, small_shapes)


def test_a_model_that_is_not_svd_is_refused():
    with pytest.raises(WeightFileError, match="no diffusion model"):
        match_lora(file_of(one((2, 2), (2, 2))), {"a.weight": (2, 2)})
