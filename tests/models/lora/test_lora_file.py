from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file
from svd_studio.models.lora.lora_file import read_lora
from svd_studio.models.weight_files import WeightFileError

ADAPTER = {
    "base_model.model.conv_out.lora_A.weight": torch.ones(2, 8),
    "base_model.model.conv_out.lora_B.weight": torch.ones(4, 2),
}


def peft_folder(folder, config='{"lora_alpha": 4}'):
    folder.mkdir()
    save_file(ADAPTER, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(config)
    return folder


def test_a_file_brings_its_tensors_and_metadata(tmp_path):
    save_file(ADAPTER, tmp_path / "pan.safetensors", {"steps": "500"})
    file = read_lora(tmp_path / "pan.safetensors")
    assert file.name == "pan.safetensors"
    assert file.tensors.keys() == ADAPTER.keys()
    assert (file.metadata["steps"], file.peft_config) == ("500", None)


@pytest.mark.parametrize("inner", [".", "adapter_model.safetensors"])
def test_a_peft_folder_or_its_weights_bring_the_settings(tmp_path, inner):
    file = read_lora(peft_folder(tmp_path / "pan") / inner)
    assert (file.name, file.peft_config) == ("pan", {"lora_alpha": 4})


def test_a_folder_that_diffusers_saved_is_read(tmp_path):
    save_file(ADAPTER, tmp_path / "pytorch_lora_weights.safetensors")
    assert read_lora(tmp_path).tensors.keys() == ADAPTER.keys()


@pytest.mark.parametrize("config", ["{", "[1]"])
def test_damaged_settings_are_refused(tmp_path, config):
    with pytest.raises(WeightFileError, match=r"adapter_config\.json of pan"):
        read_lora(peft_folder(tmp_path / "pan", config))


@pytest.mark.parametrize("name", ["pan.pt", "pan.safetensors"])
def test_a_pickle_is_refused(tmp_path, name):
    torch.save(ADAPTER, tmp_path / name)
    with pytest.raises(WeightFileError, match="pickle"):
        read_lora(tmp_path / name)


def test_a_folder_with_a_pickle_alone_is_refused(tmp_path):
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(WeightFileError, match="pickle"):
        read_lora(tmp_path)


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightFileError, match=r"no \.safetensors files"):
        read_lora(tmp_path)


def test_a_truncated_file_is_refused(tmp_path):
    file = tmp_path / "pan.safetensors"
    save_file(ADAPTER, file)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(WeightFileError, match="truncated or damaged"):
        read_lora(file)


def test_a_file_that_went_away_is_refused(tmp_path):
    with pytest.raises(WeightFileError, match="not there any more"):
        read_lora(tmp_path / "pan.safetensors")


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("model.diffusion_model.out.2.weight", "a whole checkpoint"),
        ("down_blocks.0.resnets.0.conv1.weight", "a network's own weights"),
    ],
)
def test_weights_that_are_no_lora_are_refused_unread(tmp_path, key, kind):
    save_file({key: torch.ones(2, 2)}, tmp_path / "svd.safetensors")
    with pytest.raises(WeightFileError, match=f"is .*{kind}"):
        read_lora(tmp_path / "svd.safetensors")


def test_settings_are_read_as_utf8(tmp_path):
    config = json.dumps({"note": "Schönheit", "lora_alpha": 4}, ensure_ascii=False)
    folder = peft_folder(tmp_path / "pan", "{}")
    (folder / "adapter_config.json").write_bytes(config.encode())
    assert read_lora(folder).peft_config["note"] == "Schönheit"
