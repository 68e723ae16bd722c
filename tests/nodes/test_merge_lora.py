"""SVD Merge LoRA: a checkpoint that films as the model with the LoRA on it does."""

from __future__ import annotations

import errno
import json
import tracemalloc
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from svd_studio.models.sources import MINI, open_svd

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

MODULES = {
    "middle_block.1.time_stack.0.attn1.to_q": "temporal",
    "middle_block.1.transformer_blocks.0.ff.net.2": "spatial",
    "input_blocks.1.0.in_layers.2": "spatial",
}
UNET = "model.diffusion_model."
CARD = {"modelspec.hash_sha256": "0x1", "author": "someone"}


@pytest.fixture(scope="module")
def lora(mini):
    from svd_studio.models.lora.weights import LoraModel

    generator = torch.Generator().manual_seed(2)
    weights, tensors = mini.model.model.state_dict(), {}
    for module in MODULES:
        name = f"diffusion_model.{module}"
        out, *inner = weights[f"{name}.weight"].shape
        size = torch.Size(inner).numel()
        tensors[f"{name}.lora_up.weight"] = torch.randn(out, 4, generator=generator) * 0.2
        tensors[f"{name}.lora_down.weight"] = torch.randn(4, size, generator=generator) * 0.2
    return LoraModel(tensors, {"modelspec.title": "pan", "modelspec.license": "CC0"})


@pytest.fixture
def folders(core, tmp_path, monkeypatch):
    """ComfyUI's folders for models, with svd-mini in fp32 and its UNet alone in them."""
    import folder_paths

    for kind in ("checkpoints", "diffusion_models", "loras"):
        (tmp_path / kind).mkdir()
        entry = ([str(tmp_path / kind)], {".safetensors"})
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, entry)
    whole = {k: t.float() for k, t in load_file(MINI).items()}
    told = open_svd(MINI).unet.weights.metadata
    save_file(whole, tmp_path / "checkpoints" / "svd_xt.safetensors", dict(told) | CARD)
    unet = {k.removeprefix(UNET): t for k, t in whole.items() if k.startswith(UNET)}
    save_file(unet, tmp_path / "diffusion_models" / "unet_xt.safetensors")
    return tmp_path


@pytest.fixture
def merge(folders, lora):
    """merge(checkpoint, *strengths): the new file's name and the report."""
    from svd_studio.nodes.lora_inputs import FROM_INPUT
    from svd_studio.nodes.merge_lora import SVDMergeLora

    def merge(checkpoint="svd_xt.safetensors", *strengths, prefix="mine/merged", lora=lora):
        numbers = (*strengths, *(1.0, 1.0, 1.0)[len(strengths) :])
        return SVDMergeLora.execute(checkpoint, FROM_INPUT, *numbers, prefix, lora).args

    return merge


def metadata(path) -> dict:
    with safe_open(path, "pt") as opened:
        return opened.metadata()


def test_it_films_as_the_model_with_the_lora_on_it(merge, folders, lora, mini, conditioning):
    from svd_studio.models.loader import load_svd
    from svd_studio.nodes.load import find_model
    from svd_studio.nodes.lora import SVDLora
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    name, _ = merge("svd_xt.safetensors", 0.5, 1.0, 2.0)
    merged = load_svd(open_svd(find_model(name)), "fp32").model
    patched, _, _ = SVDLora.execute(mini.model, strength=0.5, temporal_strength=2.0, lora=lora).args
    settings = SamplerSettings(7, 2, "karras", "euler", 0.0, 0.0, 2.0)
    ours, theirs, base = (
        run_sampler(model, *conditioning, settings)[0]["samples"]
        for model in (merged, patched, mini.model)
    )
    scale = theirs.abs().max()
    assert (ours - theirs).abs().max() <= 1e-5 * scale
    assert (base - theirs).abs().max() > 1e-2 * scale


def test_other_tensors_stay_as_they_are_to_the_bit(merge, folders, lora):
    name, report = merge()
    before = load_file(folders / "checkpoints" / "svd_xt.safetensors")
    after = load_file(folders / "checkpoints" / name)
    assert list(before) == list(after)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {f"{UNET}{module}.weight" for module in MODULES}
    assert "3 weights changed" in report


def test_half_precision_stays_and_is_rounded_once(merge, folders, lora):
    name, _ = merge("svd-mini", -1.0)
    before, after = load_file(MINI), load_file(folders / "checkpoints" / name)
    assert {t.dtype for t in after.values()} == {torch.float16}
    for module in MODULES:
        key = f"{UNET}{module}.weight"
        factors = [lora[f"diffusion_model.{module}.lora_{side}.weight"] for side in ("up", "down")]
        wanted = before[key].float() - (factors[0] @ factors[1]).reshape(before[key].shape)
        assert (after[key] - wanted).abs().max() <= 2**-10 * wanted.abs().max()


def test_strength_0_changes_no_tensor(merge, folders):
    name, report = merge("svd_xt.safetensors", 0.0)
    before = load_file(folders / "checkpoints" / "svd_xt.safetensors")
    after = load_file(folders / "checkpoints" / name)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert "0 weights changed" in report


def test_metadata_stays_and_says_what_was_merged(merge, folders):
    source = folders / "checkpoints" / "svd_xt.safetensors"
    first, report = merge("svd_xt.safetensors", 0.5)
    second, _ = merge(first)
    told, before = metadata(folders / "checkpoints" / second), metadata(source)
    assert told["svd_studio"] == before["svd_studio"]
    assert told["author"] == "someone"
    assert "modelspec.hash_sha256" not in told
    one, two = json.loads(told["svd_studio_merged"])
    assert (one["lora"], one["spatial"], one["into"]) == ("pan", 0.5, "svd_xt.safetensors")
    assert (two["spatial"], two["into"]) == (1.0, Path(first).name)
    assert "licence: CC0" in report


def test_a_unet_on_its_own_becomes_one_with_its_variant_told(merge, folders):
    """Its name told the variant; the new name does not."""
    name, _ = merge("diffusion_models/unet_xt.safetensors")
    assert name == "diffusion_models/mine/merged_00001.safetensors"
    facts = json.loads(metadata(folders / name)["svd_studio"])
    assert (facts["variant"], facts["num_frames"]) == ("svd_xt", 25)


def test_a_file_of_the_loras_folder_is_merged_alike(merge, folders, lora):
    from svd_studio.nodes.merge_lora import SVDMergeLora

    save_file(dict(lora), folders / "loras" / "pan.safetensors")
    from_socket, _ = merge()
    name, _ = SVDMergeLora.execute("svd_xt.safetensors", "pan.safetensors").args
    ours, theirs = (load_file(folders / "checkpoints" / file) for file in (name, from_socket))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_memory_is_that_of_a_piece_and_not_of_the_file(merge, folders):
    tracemalloc.start()
    merge()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.4 * (folders / "checkpoints" / "svd_xt.safetensors").stat().st_size


def test_a_full_disk_leaves_nothing_and_says_so(merge, folders, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("svd_studio.models.patches.lora_merge._copy", full)
    with pytest.raises(OSError, match=r"expected room for the checkpoint in .*mine"):
        merge()
    assert not list((folders / "checkpoints" / "mine").iterdir())


def test_cancelling_leaves_nothing(merge, folders, monkeypatch):
    import comfy.model_management as management

    monkeypatch.setattr(management, "interrupt_processing", True)
    with pytest.raises(management.InterruptProcessingException):
        merge()
    assert not list((folders / "checkpoints" / "mine").iterdir())


@pytest.mark.parametrize("prefix", ["../merged", "/tmp/merged"])
def test_prefixes_that_lead_elsewhere_are_refused(merge, prefix):
    with pytest.raises(ValueError, match="leads out of the folder checkpoints"):
        merge(prefix=prefix)


def test_a_diffusers_folder_is_refused(tmp_path):
    from svd_studio.models.patches.lora_merge import open_checkpoint

    with pytest.raises(ValueError, match=r"is a diffusers folder.*choose a checkpoint"):
        open_checkpoint(tmp_path)


def test_the_list_has_files_only(folders):
    from svd_studio.nodes.merge_lora import SVDMergeLora

    options = SVDMergeLora.define_schema().inputs[0].options
    assert options == ["svd_xt.safetensors", "diffusion_models/unet_xt.safetensors", "svd-mini"]
