"""What peft and diffusers save is matched whole, and what we write is loaded whole by them."""

from __future__ import annotations

import json
import warnings
from copy import deepcopy
from functools import cache

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.loaders.peft import PeftAdapterMixin
from peft import (
    LoHaConfig,
    LoKrConfig,
    LoraConfig,
    PeftModel,
    get_peft_model,
    inject_adapter_in_model,
    set_peft_model_state_dict,
)
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open
from safetensors.torch import load_file
from svd_studio.models.lora.lora_file import read_lora
from svd_studio.models.lora.match import match_lora
from svd_studio.models.lora.write import Layout, write_lora
from torch.testing import assert_close

from ..diffusers_twins import unet_twin
from .lora_makers import SMALL, change, lora

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
EVERYTHING = [*ATTENTION, "net.0.proj", "net.2", "proj_in", "conv1", "conv2", "linear_1"]


class LoraTwin(PeftAdapterMixin, UNetSpatioTemporalConditionModel):
    """diffusers 0.42 gives every UNet but SVD's this mixin."""


@cache
def _bare_twin():
    unet = unet_twin(SMALL)
    unet.__class__ = LoraTwin
    return unet


def twin():
    return deepcopy(_bare_twin())


def randomise(model):
    """Trained adapters: PEFT starts one factor at zero."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if any(mark in name for mark in ("lora_", "hada_", "lokr_")):
            parameter.data = torch.randn(parameter.shape, generator=generator)
    return model


def changes(model, adapter="default"):
    """What peft itself adds to every layer, by diffusers' name."""
    return {
        name.removeprefix("base_model.model."): layer.get_delta_weight(adapter).detach()
        for name, layer in model.named_modules()
        if isinstance(layer, BaseTunerLayer)
    }


def assert_adds_what_peft_adds(match, expected, names):
    assert (match.wrong_shape, match.unmatched) == ((), ())
    found = {names.diffusers[m]: change(a) for m, a in match.weights.modules.items()}
    assert found.keys() == expected.keys()
    for name, delta in expected.items():
        assert_close(found[name], delta.flatten(1), rtol=1e-5, atol=1e-5)


CONFIGS = {
    "plain": LoraConfig(r=4, lora_alpha=4, target_modules=ATTENTION),
    "alpha": LoraConfig(r=4, lora_alpha=7, target_modules=EVERYTHING),
    "patterns": LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=EVERYTHING,
        rank_pattern={"to_q": 2, "^down.*conv1": 3},
        alpha_pattern={"attn1.to_v": 1, "temporal_transformer_blocks.0.ff.net.2": 5},
    ),
    "rank stabilised": LoraConfig(r=4, lora_alpha=8, target_modules=ATTENTION, use_rslora=True),
}


@pytest.mark.parametrize("config", CONFIGS)
def test_an_adapter_that_peft_saved_is_matched_whole(small, small_shapes, tmp_path, config):
    model = randomise(get_peft_model(twin(), CONFIGS[config]))
    model.save_pretrained(tmp_path)
    match = match_lora(read_lora(tmp_path), small_shapes)
    assert match.dialect == "PEFT (diffusers names)"
    assert_adds_what_peft_adds(match, changes(model), small)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    for module, adapter in match.weights.modules.items():
        name = f"base_model.model.{small.diffusers[module]}"
        assert torch.equal(adapter["lora_up.weight"], saved[f"{name}.lora_B.weight"])
        assert torch.equal(adapter["lora_down.weight"], saved[f"{name}.lora_A.weight"])


@pytest.mark.parametrize("config", CONFIGS)
def test_an_adapter_that_diffusers_saved_is_matched_whole(small, small_shapes, tmp_path, config):
    model = twin()
    model.add_adapter(CONFIGS[config])
    randomise(model).save_lora_adapter(tmp_path)
    match = match_lora(read_lora(tmp_path), small_shapes)
    assert match.dialect == "diffusers"
    assert_adds_what_peft_adds(match, changes(model), small)


@pytest.mark.filterwarnings("ignore:.*invalid shape")  # peft 0.21 of its own biases
def test_a_bias_that_peft_learned_becomes_a_difference(small, small_shapes, tmp_path):
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["to_out.0"], lora_bias=True)
    model = randomise(get_peft_model(twin(), config))
    model.save_pretrained(tmp_path)
    match = match_lora(read_lora(tmp_path), small_shapes)
    assert not match.unmatched
    for module, adapter in match.weights.modules.items():
        layer = model.base_model.model.get_submodule(small.diffusers[module])
        assert_close(adapter["diff_b"], 2 * layer.lora_B["default"].bias.detach())


def test_magnitudes_of_dora_are_columns(small, small_shapes, tmp_path):
    config = LoraConfig(r=4, target_modules=[*ATTENTION, "conv1"], use_dora=True)
    get_peft_model(twin(), config).save_pretrained(tmp_path)
    match = match_lora(read_lora(tmp_path), small_shapes)
    assert (match.wrong_shape, match.unmatched) == ((), ())
    for module, adapter in match.weights.modules.items():
        weight = small.weights[module]
        assert adapter["dora_scale"].shape == (weight[0], *[1] * (len(weight) - 1))


@pytest.mark.parametrize(
    "config",
    [
        LoHaConfig(r=2, alpha=3, target_modules=[*ATTENTION, "net.2"]),
        LoKrConfig(r=2, alpha=3, target_modules=[*ATTENTION, "net.2"]),
        LoKrConfig(r=2, alpha=3, target_modules=ATTENTION, decompose_both=True),
        LoKrConfig(r=64, alpha=32, target_modules=ATTENTION),
    ],
    ids=["LoHa", "LoKr", "LoKr of factors", "LoKr of whole matrices"],
)
@pytest.mark.comfy
def test_lycoris_adapters_of_peft_change_weights_the_same_in_core(
    core, small, small_shapes, tmp_path, config
):
    from .core_maths import core_change

    model = randomise(get_peft_model(twin(), config))
    model.save_pretrained(tmp_path)
    match = match_lora(read_lora(tmp_path), small_shapes)
    assert (match.wrong_shape, match.unmatched) == ((), ())
    expected = changes(model)
    assert len(match.weights.modules) == len(expected)
    for module in match.weights.modules:
        found = core_change(match.weights, module, small.weights[module])
        assert_close(found, expected[small.diffusers[module]], rtol=1e-4, atol=1e-4)


def mixed(names):
    """Ranks and alphas that differ between modules, in attention, kernels and projections."""
    modules = [module for module, shape in names.weights.items() if len(shape) > 1]
    third = len(modules) // 3
    adapters = dict(lora(names.weights, modules[:third], 4, 4.0).modules)
    adapters |= lora(names.weights, modules[third : 2 * third], 3, 0.1).modules
    whole = lora(names.weights, modules[2 * third :], 4)
    return type(whole)("mixed.safetensors", adapters | whole.modules, {"steps": "500"})


def assert_peft_adds(model, weights, names, adapter="default"):
    found = changes(model, adapter)
    assert len(found) == len(weights.modules)
    for module, own in weights.modules.items():
        delta = found[names.diffusers[module]]
        assert_close(delta.flatten(1), change(own), rtol=1e-5, atol=1e-5)


def test_peft_loads_our_folder_whole(small, small_shapes, tmp_path):
    weights = mixed(small)
    write_lora(tmp_path / "ours", weights, Layout.PEFT, small_shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of missing keys
        model = PeftModel.from_pretrained(twin(), tmp_path / "ours")
    assert_peft_adds(model, weights, small)


def test_our_peft_folder_has_no_key_too_many_or_too_few(small, small_shapes, tmp_path):
    write_lora(tmp_path / "ours", mixed(small), Layout.PEFT, small_shapes)
    config = LoraConfig.from_pretrained(tmp_path / "ours")
    model = inject_adapter_in_model(config, twin())
    tensors = load_file(tmp_path / "ours" / "adapter_model.safetensors")
    result = set_peft_model_state_dict(model, tensors)
    assert not result.unexpected_keys
    assert not [key for key in result.missing_keys if "lora_" in key]


def test_diffusers_loads_our_file_whole(small, small_shapes, tmp_path):
    weights = mixed(small)
    write_lora(tmp_path / "ours.safetensors", weights, Layout.DIFFUSERS, small_shapes)
    model = twin()
    model.load_lora_adapter(
        tmp_path / "ours.safetensors", prefix="unet", use_safetensors=True, adapter_name="ours"
    )
    assert_peft_adds(model, weights, small, "ours")
    with safe_open(tmp_path / "ours.safetensors", "pt") as opened:
        assert opened.metadata()["steps"] == "500"
        assert json.loads(opened.metadata()["lora_adapter_metadata"])["unet.r"] == 4


def test_dora_goes_back_to_peft(small, small_shapes, tmp_path):
    config = LoraConfig(r=4, target_modules=[*ATTENTION, "conv1"], use_dora=True)
    model = randomise(get_peft_model(twin(), config))
    model.save_pretrained(tmp_path / "theirs")
    weights = match_lora(read_lora(tmp_path / "theirs"), small_shapes).weights
    write_lora(tmp_path / "ours", weights, Layout.PEFT, small_shapes)
    theirs = load_file(tmp_path / "theirs" / "adapter_model.safetensors")
    assert_close(load_file(tmp_path / "ours" / "adapter_model.safetensors"), theirs, rtol=0, atol=0)
    PeftModel.from_pretrained(twin(), tmp_path / "ours")
