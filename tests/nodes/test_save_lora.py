"""SVD Save LoRA: a file that every loader reads as what it was."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

MODULE = "diffusion_model.middle_block.1.time_stack.0.attn1"
LAYOUTS = ("ComfyUI / sgm", "kohya", "diffusers", "PEFT folder")


@pytest.fixture
def loras(core, tmp_path, monkeypatch):
    """ComfyUI's folder for LoRAs, not there yet."""
    import folder_paths

    folder = tmp_path / "loras"
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "loras", ([str(folder)], {".safetensors"})
    )
    return folder


@pytest.fixture(scope="module")
def lora(mini):
    from svd_studio.models.lora.weights import LoraModel
    from svd_studio.training.lora.about import KEY

    generator = torch.Generator().manual_seed(2)
    weights, tensors = mini.model.model.state_dict(), {}
    for name in (f"{MODULE}.to_q", f"{MODULE}.to_out.0"):
        out, inner = weights[f"{name}.weight"].shape
        tensors[f"{name}.lora_up.weight"] = torch.randn(out, 4, generator=generator)
        tensors[f"{name}.lora_down.weight"] = torch.randn(4, inner, generator=generator)
        tensors[f"{name}.alpha"] = torch.tensor(2.0)
    told = {KEY: json.dumps({"step": 500}), "modelspec.license": "SVD's.", "ss_seed": "3"}
    return LoraModel(tensors, told)


@pytest.fixture
def save(mini, loras, lora):
    """save(prefix, layout, precision, licence): the file's name and the report."""
    from svd_studio.nodes.save_lora import SVDSaveLora

    def save(prefix="mine/pan", layout=LAYOUTS[0], precision="fp32", licence="", lora=lora):
        return SVDSaveLora.execute(lora, mini.model, prefix, layout, precision, licence).args

    return save


def metadata(path) -> dict:
    with safe_open(path, "pt") as opened:
        return opened.metadata()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_format_is_read_back_to_the_bit(save, lora, mini, layout):
    from svd_studio.nodes.lora import SVDLora

    name, report = save(layout=layout)
    assert name.startswith("mine/pan_00001")
    assert layout in report
    _, _, again = SVDLora.execute(mini.model, name).args
    assert again.keys() == lora.keys()
    assert all(torch.equal(again[key], lora[key]) for key in lora)


def test_it_can_be_chosen_at_once(save):
    import folder_paths

    name, _ = save()
    assert name in folder_paths.get_filename_list("loras")


def test_its_schema_is_known_to_this_comfyui():
    from svd_studio.nodes.save_lora import SVDSaveLora

    assert SVDSaveLora.GET_SCHEMA().node_id == "SVDStudioSaveLora"
    assert SVDSaveLora.INPUT_TYPES()["required"]["lora"][0] == "LORA_MODEL"


def test_core_s_loader_reads_it(save, mini, lora):
    import nodes

    name, _ = save()
    (model,) = nodes.LoraLoaderModelOnly().load_lora_model_only(mini.model, name, 1.0)
    assert sorted(model.patches) == sorted(
        {k.split(".lora_")[0] + ".weight" for k in lora if "lora_" in k}
    )


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)]
)
def test_factors_are_rounded_to_the_precision(save, loras, lora, precision, dtype):
    tensors = load_file(loras / save(precision=precision)[0])
    key = f"{MODULE}.to_q.lora_up.weight"
    assert torch.equal(tensors[key], lora[key].to(dtype))


def test_what_is_known_of_it_goes_along(save, loras):
    from svd_studio.training.lora.about import KEY

    told = metadata(loras / save(licence="Mine: CC-BY.")[0])
    facts = json.loads(told[KEY])
    assert facts == {"step": 500, "layers": {"temporal attention": 2}}
    assert told["modelspec.license"] == "SVD's. Mine: CC-BY."
    assert told["modelspec.title"] == "pan_00001"
    assert told["modelspec.architecture"] == "stable-video-diffusion/lora"
    assert (told["ss_seed"], told["ss_network_dim"]) == ("3", "4")


def test_a_dict_of_core_s_trainer_is_taken(save, lora, loras):
    name, report = save(lora=dict(lora), licence="CC0")
    assert metadata(loras / name)["modelspec.license"] == "CC0"
    assert "licence: CC0" in report


def test_files_are_numbered_and_none_is_replaced(save, loras):
    first, _ = save()
    before = (loras / first).read_bytes()
    second, _ = save(licence="another")
    assert (first, second) == ("mine/pan_00001.safetensors", "mine/pan_00002.safetensors")
    assert (loras / first).read_bytes() == before
    assert save(layout="PEFT folder")[0] != save(layout="PEFT folder")[0]


@pytest.mark.parametrize("prefix", ["../pan", "/tmp/pan", "a/../../pan", "..\\pan", "", "mine/"])
def test_prefixes_that_lead_elsewhere_are_refused(save, tmp_path, prefix):
    with pytest.raises(ValueError, match=r"leads out of the folder|names no file"):
        save(prefix)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_full_disk_leaves_nothing_and_says_so(save, loras, monkeypatch, layout):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"expected room for the LoRA in .*mine"):
        save(layout=layout)
    assert not [path for path in loras.rglob("*") if path.is_file()]


def test_a_lora_for_another_model_is_refused(save):
    tensors = {"diffusion_model.joint_blocks.0.x.lora_up.weight": torch.zeros(4, 4)}
    with pytest.raises(ValueError, match="SD3"):
        save(lora=tensors)
