"""SVD LoRA against peft and against core's own loader, and what it says."""

from __future__ import annotations

import copy
import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

TOLERANCE = 1e-5
AFTER_STEPS = 1e-4  # guidance and steps amplify rounding
EVERYWHERE = r".*(attn[12]\.to_(q|k|v|out\.0)|ff(_in)?\.net\.(0\.proj|2))"
TEMPORAL = r".*temporal_transformer_blocks.*to_(q|k|v|out\.0)"
SPATIAL_QUERY = "diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q"
TEMPORAL_QUERY = "diffusion_model.middle_block.1.time_stack.0.attn1.to_q"


def configurations():
    """Adapters as peft makes them, and how large factors have to be for their effect to be seen."""
    from peft import LoHaConfig, LoKrConfig, LoraConfig

    rank = {"r": 4, "target_modules": EVERYWHERE}
    return {
        "LoRA": (LoraConfig(lora_alpha=4, **rank), 0.15),
        "alpha is not rank": (LoraConfig(lora_alpha=7, **rank), 0.15),
        "temporal layers": (LoraConfig(lora_alpha=7, r=4, target_modules=TEMPORAL), 0.15),
        "rank stabilised": (LoraConfig(lora_alpha=4, use_rslora=True, **rank), 0.1),
        "DoRA": (LoraConfig(lora_alpha=7, use_dora=True, **rank), 0.15),
        "LoHa": (LoHaConfig(alpha=7, **rank), 0.3),
        "LoKr": (LoKrConfig(alpha=7, decompose_both=True, **rank), 0.3),
        "LoKr, factors whole": (LoKrConfig(alpha=256, **{**rank, "r": 512}), 0.3),
    }


@pytest.fixture(scope="module")
def twin(core):
    from .lora_oracle import mini_twin

    return mini_twin()


@pytest.fixture
def loras(core, tmp_path, monkeypatch):
    """ComfyUI's folder for LoRAs, empty."""
    import folder_paths

    folder = tmp_path / "loras"
    folder.mkdir()
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "loras", ([str(folder)], {".safetensors"})
    )
    return folder


@pytest.fixture
def sgm_file(mini, loras):
    """A file under core's names, with a licence."""
    generator = torch.Generator().manual_seed(2)
    weights = mini.model.model.state_dict()
    tensors = {}
    for name in (SPATIAL_QUERY, TEMPORAL_QUERY):
        out, inner = weights[f"{name}.weight"].shape
        tensors[f"{name}.lora_up.weight"] = torch.randn(out, 4, generator=generator)
        tensors[f"{name}.lora_down.weight"] = torch.randn(4, inner, generator=generator)
        tensors[f"{name}.alpha"] = torch.tensor(2.0)
    save_file(tensors, loras / "pan.safetensors", {"modelspec.license": "CC0"})
    return "pan.safetensors"


@pytest.fixture(scope="module")
def output(twin):
    def output(model):
        from .lora_oracle import our_output

        with torch.inference_mode():
            return our_output(model, twin)

    return output


def put(model, name, *numbers, **more):
    from svd_studio.nodes.lora import SVDLora

    return SVDLora.execute(model, name, *numbers, **more).args


def error(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("kind", configurations())
def test_an_adapter_of_peft_does_what_it_does_in_diffusers(kind, twin, mini, loras, output):
    from .lora_oracle import twin_output, with_random_adapter

    with torch.inference_mode(False), torch.no_grad():
        adapted = with_random_adapter(twin, *configurations()[kind], loras / "adapter")
        theirs = twin_output(adapted)
        base = twin_output(twin)
    model, report, _ = put(mini.model, os.path.join("adapter", "adapter_model.safetensors"))
    assert error(theirs, base) > 0.03
    assert error(output(model), theirs) <= TOLERANCE
    assert "not matched" not in report
    assert "wrong shape" not in report


@pytest.mark.parametrize("kind", ["alpha is not rank", "DoRA"])
def test_what_we_save_for_peft_does_in_diffusers_what_it_does_here(kind, twin, mini, loras, output):
    from peft import PeftModel
    from svd_studio.nodes.save_lora import SVDSaveLora

    from .lora_oracle import twin_output, with_random_adapter

    with torch.inference_mode(False), torch.no_grad():
        with_random_adapter(twin, *configurations()[kind], loras / "adapter")
    name = os.path.join("adapter", "adapter_model.safetensors")
    model, _, lora = put(mini.model, name)
    saved, _ = SVDSaveLora.execute(lora, mini.model, "ours", "PEFT folder", "fp32").args
    with torch.inference_mode(False), torch.no_grad():
        folder = (loras / saved).parent
        theirs = twin_output(PeftModel.from_pretrained(copy.deepcopy(twin), folder).eval())
    assert error(output(model), theirs) <= TOLERANCE


def test_strength_0_is_the_base_to_the_bit(mini, sgm_file, output):
    model, report, _ = put(mini.model, sgm_file, 0.0)
    assert torch.equal(output(model), output(mini.model))
    assert "spatial 0, temporal 0" in report


@pytest.mark.parametrize("strength", [1.0, -0.5])
def test_it_is_core_s_own_loader_on_core_s_own_names(mini, sgm_file, output, strength):
    import nodes

    (theirs,) = nodes.LoraLoaderModelOnly().load_lora_model_only(mini.model, sgm_file, strength)
    wanted = output(theirs)
    assert error(wanted, output(mini.model)) > 1e-3
    assert torch.equal(output(put(mini.model, sgm_file, strength)[0]), wanted)


def test_core_s_loader_takes_the_lora_that_comes_out(mini, sgm_file, output):
    from comfy_extras.nodes_train import LoraModelLoader

    model, _, lora = put(mini.model, sgm_file, 0.7)
    (theirs,) = LoraModelLoader.execute(mini.model, lora, 0.7).args
    assert torch.equal(output(theirs), output(model))


def test_a_connected_lora_goes_before_the_file(mini, sgm_file, output):
    model, _, lora = put(mini.model, sgm_file)
    again, report, _ = put(mini.model, "not there.safetensors", lora=lora)
    assert torch.equal(output(again), output(model))
    assert report.startswith("pan.safetensors: ")


def test_strengths_multiply(mini, sgm_file, output):
    half, report, _ = put(mini.model, sgm_file, 0.5, 0.0, 2.0)
    (patch,) = half.patches.items()
    assert patch[0] == f"{TEMPORAL_QUERY}.weight"
    assert patch[1][0][0] == 1.0
    assert "spatial 0, temporal 1" in report


def test_windows_stack_with_what_is_there(mini, sgm_file, conditioning):
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    model, _, _ = put(mini.model, sgm_file, 0.5)
    windowed, _, _ = put(model, sgm_file, 0.5, 1.0, 1.0, 1e3, 0.0)
    whole, _, _ = put(mini.model, sgm_file, 1.0)
    settings = SamplerSettings(7, 2, "karras", "euler", 0.0, 0.0, 2.0)
    ours, report = run_sampler(windowed, *conditioning, settings)
    theirs, _ = run_sampler(whole, *conditioning, settings)
    assert error(ours["samples"], theirs["samples"]) <= AFTER_STEPS
    assert report.count("LoRA pan.safetensors") == 2


def test_report_tells_layers_licence_and_another_base(mini, loras, sgm_file):
    from svd_studio.models.patches.lora import unet_weights
    from svd_studio.training.lora.about import KEY, base_fingerprint

    _, report, _ = put(mini.model, sgm_file)
    assert "spatial attention 1" in report
    assert "temporal attention 1" in report
    assert "licence: CC0" in report
    assert "careful" not in report
    base = base_fingerprint(unet_weights(mini.model))
    tensors = load_file(loras / sgm_file)
    for name, told, warns in (
        ("same", {KEY: json.dumps({"base": base})}, False),
        ("other", {KEY: json.dumps({"base": "0" * 16})}, True),
        ("foreign", {"ss_base_model_version": "sdxl_base_v1-0"}, True),
        ("garbled", {KEY: "{"}, False),
    ):
        save_file(tensors, loras / f"{name}.safetensors", told)
        assert ("careful" in put(mini.model, f"{name}.safetensors")[1]) == warns


def test_a_file_that_fits_nothing_is_refused(mini, loras):
    up, down = torch.zeros(320, 4), torch.zeros(4, 768)
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    tensors = {f"{name}.lora_up.weight": up, f"{name}.lora_down.weight": down}
    save_file(tensors, loras / "sd15.safetensors")
    with pytest.raises(ValueError, match=r"sd15\.safetensors .*SD 1\.x"):
        put(mini.model, "sd15.safetensors")


def test_no_lora_is_refused(mini):
    from svd_studio.nodes.lora_inputs import FROM_INPUT

    with pytest.raises(ValueError, match="choose a file in lora_name, or connect"):
        put(mini.model, FROM_INPUT)


def test_another_model_is_refused(sgm_file):
    from comfy.model_patcher import ModelPatcher

    other = ModelPatcher(torch.nn.Linear(2, 2), torch.device("cpu"), torch.device("cpu"))
    with pytest.raises(ValueError, match="connect the MODEL of Load SVD Model"):
        put(other, sgm_file)


def test_a_changed_file_is_noticed(loras, sgm_file):
    from svd_studio.nodes.lora import SVDLora

    before = SVDLora.fingerprint_inputs(sgm_file, strength=1.0)
    assert SVDLora.fingerprint_inputs(sgm_file, strength=1.0) == before
    os.utime(loras / sgm_file, (1, 1))
    assert SVDLora.fingerprint_inputs(sgm_file, strength=1.0) != before
    assert sgm_file in SVDLora.define_schema().inputs[1].options
