"""TDD's LoRA as it is published: `unet.base_model.model.` before diffusers' names, no alpha."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from svd_studio.models.lora.lora_file import read_lora
from svd_studio.models.lora.match import match_lora
from svd_studio.sampling.few_step import ANIMATE_LCM, TDD
from torch.testing import assert_close

from ..few_step_files import COMFY_NAME, TDD_NAME
from .lora_makers import SPELLS, change, lora, spelled

# RedAIGC/Target-Driven-Distillation, `train/SDXL/train_tdd.py`, target_modules
TARGETS = (
    "to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2",
    "conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj",
)  # fmt: skip


def targets(names):
    """The modules that PEFT finds for TARGETS, in SVD within and across frames."""
    return [module for module, theirs in names.diffusers.items() if theirs.endswith(TARGETS)]


def write_tdd(names, file):
    made = lora(names.weights, targets(names))
    save_file(dict(spelled(made, SPELLS["old PEFT script"], names).tensors), file)
    return made


def test_every_layer_of_a_tdd_lora_is_matched(small, small_shapes, tmp_path):
    made = write_tdd(small, tmp_path / TDD_NAME)
    match = match_lora(read_lora(tmp_path / TDD_NAME), small_shapes)
    assert (match.wrong_shape, match.unmatched, match.seems_for) == ((), (), None)
    assert match.weights.modules.keys() == made.modules.keys()
    assert {"temporal attention", "temporal feed-forward", "temporal convolution"} <= set(
        match.matched
    )
    for module, adapter in match.weights.modules.items():  # as diffusers: alpha is the rank
        assert_close(change(adapter), change(made.modules[module]))


def test_the_published_network_has_a_layer_for_every_target(full):
    theirs = [full.diffusers[module] for module in targets(full)]
    assert len(theirs) == len(set(theirs))
    assert {target for target in TARGETS if any(t.endswith(target) for t in theirs)} == set(TARGETS)
    assert any("temporal_res_block" in name for name in theirs)


@pytest.fixture
def put_on(mini, tmp_path):
    """put_on(name, model, **strength): a LoRA of the miniature's layers, on a clone."""
    from svd_studio.models.lora.dialects import module_names
    from svd_studio.models.patches.lora import LoraStrength, apply_lora, unet_shapes

    shapes = unet_shapes(mini.model)

    def applied(name, model=mini.model, **strength):
        write_tdd(module_names(shapes), tmp_path / name)
        match = match_lora(read_lora(tmp_path / name), shapes)
        assert not match.unmatched
        with torch.inference_mode():
            return apply_lora(model, match.weights, LoraStrength(**strength))

    return applied


@pytest.mark.comfy
def test_a_model_with_the_lora_on_it_is_for_few_steps(mini, put_on):
    from svd_studio.models.patches.few_step import few_step_of

    assert few_step_of(put_on(TDD_NAME)) == TDD
    assert few_step_of(put_on("rain.safetensors", put_on(TDD_NAME))) == TDD
    assert few_step_of(put_on("rain.safetensors")) is None
    assert few_step_of(mini.model) is None


@pytest.mark.comfy
@pytest.mark.parametrize(
    "strength",
    [
        {"spatial": 0.0},
        {"temporal": 0.0},
        {"spatial": -1.0, "temporal": -1.0},
        {"start_sigma": 1.0, "end_sigma": 2.0},
    ],
)
def test_a_lora_that_does_not_act_whole_makes_no_few_step_model(put_on, strength):
    from svd_studio.models.patches.few_step import few_step_of

    assert few_step_of(put_on(TDD_NAME, **strength)) is None


@pytest.mark.comfy
def test_a_lora_counts_before_the_checkpoint(mini, put_on):
    from svd_studio.models.loader import INFO_KEY, info_of
    from svd_studio.models.patches.few_step import few_step_of

    model = mini.model.clone()
    model.set_attachments(INFO_KEY, replace(info_of(model), name=COMFY_NAME, few_step=ANIMATE_LCM))
    assert few_step_of(model) == ANIMATE_LCM
    assert few_step_of(put_on(TDD_NAME, model)) == TDD
    assert few_step_of(put_on("rain.safetensors", model)) == ANIMATE_LCM


@pytest.mark.comfy
def test_a_merged_tdd_lora_is_remembered_by_the_checkpoint(core, small, tmp_path):
    from svd_studio.models.lora.weights import LoraWeights
    from svd_studio.models.patches.lora import LoraStrength
    from svd_studio.models.patches.lora_merge import MERGED_KEY, merge_lora, open_checkpoint
    from svd_studio.models.sources import MINI, open_svd

    checkpoint = open_checkpoint(MINI)
    module = "middle_block.1.time_stack.0.attn1.to_q"
    weights = lora({module: checkpoint.unet_shapes[f"{module}.weight"]}, [module])
    named = LoraWeights(TDD_NAME, weights.modules)
    merge_lora(checkpoint, named, LoraStrength(), tmp_path / "mine.safetensors")
    source = open_svd(tmp_path / "mine.safetensors")
    assert json.loads(source.unet.weights.metadata[MERGED_KEY])[0]["lora"] == TDD_NAME
    assert source.info.few_step == TDD
