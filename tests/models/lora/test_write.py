from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from svd_studio.models.lora.dialects import module_names
from svd_studio.models.lora.lora_file import LoraFile, read_lora
from svd_studio.models.lora.match import match_lora
from svd_studio.models.lora.peft_config import config_for
from svd_studio.models.lora.weights import LoraWeights
from svd_studio.models.lora.write import Layout, saved_at, to_layout, write_lora

from .lora_makers import SMALL, lora, shapes_of

SHAPES = shapes_of(SMALL)
NAMES = module_names(SHAPES)
LAYERS = [module for module, shape in NAMES.weights.items() if len(shape) > 1]
TO_Q = "input_blocks.1.1.time_stack.0.attn1.to_q"


@st.composite
def loras(draw):
    """Any ranks and alphas on any layers."""
    modules = draw(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=8, unique=True))
    adapters = {}
    for number, module in enumerate(modules):
        alpha = draw(st.floats(0, 2**10, width=32, exclude_min=True))
        rank = draw(st.integers(1, 6))
        adapters |= lora(NAMES.weights, [module], rank, alpha, number).modules
    return LoraWeights("any.safetensors", adapters, {"steps": "5"})


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    for module, adapter in wanted.items():
        assert found[module].keys() == adapter.keys()
        assert all(torch.equal(found[module][role], tensor) for role, tensor in adapter.items())
        assert all(found[module][role].dtype == tensor.dtype for role, tensor in adapter.items())


@settings(max_examples=30)
@given(loras(), st.sampled_from(Layout))
def test_every_layout_brings_back_the_same_bits(weights, layout):
    tensors = to_layout(weights, layout, SHAPES)
    config = None
    if layout in (Layout.DIFFUSERS, Layout.PEFT):
        config = config_for({NAMES.diffusers[m]: a for m, a in weights.modules.items()})
    match = match_lora(LoraFile("any.safetensors", tensors, {}, config), SHAPES)
    assert (match.unmatched, match.wrong_shape) == ((), ())
    assert_equal(match.weights.modules, weights.modules)


@pytest.mark.parametrize("layout", Layout)
def test_files_bring_back_the_same_bits_and_the_metadata(tmp_path, layout):
    weights = LoraWeights("x", lora(NAMES.weights, LAYERS, 3, 0.1).modules, {"steps": "5"})
    path = tmp_path / "new" / "x.safetensors"
    write_lora(path, weights, layout, SHAPES)
    match = match_lora(read_lora(saved_at(path, layout)), SHAPES)
    assert_equal(match.weights.modules, weights.modules)
    assert match.weights.metadata == {"steps": "5", "format": "pt"}
    assert len(os.listdir(path.parent)) == 1


def test_factors_that_core_flattened_are_kernels_for_peft():
    kernel = "input_blocks.1.0.time_stack.in_layers.2"
    adapter = {"lora_up.weight": torch.ones(32, 2), "lora_down.weight": torch.ones(2, 96)}
    tensors = to_layout(LoraWeights("x", {kernel: adapter}), Layout.PEFT, SHAPES)
    name = f"base_model.model.{NAMES.diffusers[kernel]}"
    assert tensors[f"{name}.lora_A.weight"].shape == (2, 32, 3, 1, 1)
    assert tensors[f"{name}.lora_B.weight"].shape == (32, 2, 1, 1, 1)


def test_the_dtype_is_of_the_factors_alone(tmp_path):
    write_lora(
        tmp_path / "x.safetensors",
        lora(NAMES.weights, [TO_Q], 2, 0.1),
        Layout.SGM,
        SHAPES,
        torch.bfloat16,
    )
    tensors = read_lora(tmp_path / "x.safetensors").tensors
    dtypes = {key.rpartition(f"{TO_Q}.")[2]: tensor.dtype for key, tensor in tensors.items()}
    assert dtypes == {
        "lora_up.weight": torch.bfloat16,
        "lora_down.weight": torch.bfloat16,
        "alpha": torch.float32,
    }


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
@pytest.mark.parametrize("layout", Layout)
def test_who_may_read_other_new_files_may_read_a_lora(tmp_path, layout):
    (tmp_path / "other").touch()
    write_lora(tmp_path / "x.safetensors", lora(NAMES.weights, [TO_Q]), layout, SHAPES)
    (file,) = tmp_path.rglob("*.safetensors")
    assert file.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_one_tensor_in_two_places_can_be_written(tmp_path):
    alpha = torch.tensor(2.0)
    adapters = lora(NAMES.weights, LAYERS[:2]).modules
    shared = {module: adapter | {"alpha": alpha} for module, adapter in adapters.items()}
    write_lora(tmp_path / "x.safetensors", LoraWeights("x", shared), Layout.KOHYA, SHAPES)
    assert len(read_lora(tmp_path / "x.safetensors").tensors) == 6


def test_settings_of_an_older_owner_are_not_handed_on(tmp_path):
    modules = lora(NAMES.weights, [TO_Q]).modules
    weights = LoraWeights("x", modules, {"lora_adapter_metadata": '{"lora_alpha": 9}'})
    write_lora(tmp_path / "x.safetensors", weights, Layout.SGM, SHAPES)
    assert "lora_adapter_metadata" not in read_lora(tmp_path / "x.safetensors").metadata


LOHA = {"hada_w1_a": torch.ones(32, 2), "hada_w1_b": torch.ones(2, 32)}
LOHA |= {"hada_w2_a": torch.ones(32, 2), "hada_w2_b": torch.ones(2, 32)}
PLAIN = dict(lora(NAMES.weights, [TO_Q]).modules[TO_Q])
TO_K = TO_Q.replace("to_q", "to_k")
REFUSED = {
    "LoHa": {TO_Q: LOHA},
    "diff_b": {"input_blocks.1.1.proj_in": {"diff_b": torch.ones(32)}},
    "lora_mid.weight": {TO_Q: PLAIN | {"lora_mid.weight": torch.ones(2, 2, 1, 1)}},
    "magnitudes by input": {TO_Q: PLAIN | {"dora_scale": torch.ones(1, 31)}},
    "unlike others": {TO_Q: PLAIN | {"dora_scale": torch.ones(32, 1)}, TO_K: PLAIN},
}


@pytest.mark.parametrize("layout", [Layout.DIFFUSERS, Layout.PEFT])
@pytest.mark.parametrize("what", REFUSED)
def test_what_peft_cannot_hold_is_refused_and_nothing_written(tmp_path, what, layout):
    weights = LoraWeights("odd.safetensors", REFUSED[what])
    with pytest.raises(ValueError, match=rf"odd\.safetensors cannot be written .*{what}"):
        write_lora(tmp_path / "x.safetensors", weights, layout, SHAPES)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("layout", [Layout.SGM, Layout.KOHYA])
def test_other_adapters_are_written_for_comfyui(tmp_path, layout):
    write_lora(tmp_path / "x.safetensors", LoraWeights("x", {TO_Q: LOHA}), layout, SHAPES)
    match = match_lora(read_lora(tmp_path / "x.safetensors"), SHAPES)
    assert_equal(match.weights.modules, {TO_Q: LOHA})


def test_a_parameter_outside_layers_has_no_name_in_kohya_files(tmp_path):
    mix = {"input_blocks.1.1.time_mixer.mix_factor": {"diff": torch.ones(1)}}
    with pytest.raises(ValueError, match="is no layer"):
        write_lora(tmp_path / "x.safetensors", LoraWeights("x", mix), Layout.KOHYA, SHAPES)
    write_lora(tmp_path / "x.safetensors", LoraWeights("x", mix), Layout.SGM, SHAPES)
    match = match_lora(read_lora(tmp_path / "x.safetensors"), SHAPES)
    assert_equal(match.weights.modules, mix)


@pytest.mark.parametrize("layout", Layout)
def test_an_older_lora_stays_whole_when_writing_fails(tmp_path, monkeypatch, layout):
    path = tmp_path / "x.safetensors"
    write_lora(path, lora(NAMES.weights, [TO_Q], seed=1), layout, SHAPES)
    before = read_lora(saved_at(path, layout)).tensors

    def disk_full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(OSError, match="No space"):
        write_lora(path, lora(NAMES.weights, [TO_Q], seed=2), layout, SHAPES)
    after = read_lora(saved_at(path, layout)).tensors
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())
    assert len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize("layout", Layout)
def test_a_newer_lora_takes_the_place_of_an_older(tmp_path, layout):
    path = tmp_path / "x.safetensors"
    newer = lora(NAMES.weights, [TO_Q], alpha=3, seed=2)
    write_lora(path, lora(NAMES.weights, [TO_Q], alpha=2, seed=1), layout, SHAPES)
    write_lora(path, newer, layout, SHAPES)
    match = match_lora(read_lora(saved_at(path, layout)), SHAPES)
    assert_equal(match.weights.modules, newer.modules)


def test_the_commonest_rank_and_alpha_are_the_rule():
    adapters = dict(lora(NAMES.weights, LAYERS[:3], 4, 8).modules)
    adapters |= lora(NAMES.weights, LAYERS[3:4], 2, 0.5).modules
    config = config_for(adapters)
    assert (config["r"], config["lora_alpha"]) == (4, 8)
    assert config["rank_pattern"] == {LAYERS[3]: 2}
    assert config["alpha_pattern"] == {LAYERS[3]: 0.5}


def test_diffusers_finds_its_settings_in_the_metadata(tmp_path):
    write_lora(tmp_path / "x.safetensors", lora(NAMES.weights, [TO_Q]), Layout.DIFFUSERS, SHAPES)
    with safe_open(tmp_path / "x.safetensors", "pt") as opened:
        told = json.loads(opened.metadata()["lora_adapter_metadata"])
    assert told["unet.target_modules"] == [NAMES.diffusers[TO_Q]]
