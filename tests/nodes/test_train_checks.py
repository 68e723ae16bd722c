"""What is refused before a LoRA is trained, each in a sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace

import psutil
import pytest
import torch
from svd_studio.sampling.ladder import NotEnoughMemoryError
from svd_studio.training.clips.cache import save_clip
from svd_studio.training.clips.clip_set import CachedClip, ClipEntry, ClipSet

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]


@pytest.fixture
def checks(core):
    from svd_studio.nodes import run_train_checks

    return run_train_checks


@pytest.fixture
def clips_for(tmp_path):
    """clips_for(width): a clip for a model with embeddings of that width."""

    def clips(width):
        entry = ClipEntry("a.safetensors", "film a", 2, 64, 32, 7, 90)
        latents = torch.zeros(2, 4, 4, 8)
        clip = CachedClip(latents, latents[:1], torch.zeros(1), torch.zeros(1, width))
        save_clip(tmp_path, entry, clip, torch.zeros(3, 8, 8, 3))
        return ClipSet(tmp_path, (entry,))

    return clips


def test_clips_of_the_model_are_taken(checks, mini, clips_for):
    checks.require_trainable(mini.model, clips_for(192))


def test_clips_of_another_model_are_refused(checks, mini, clips_for):
    with pytest.raises(ValueError, match=r"embeddings of 1024 numbers.* has 192"):
        checks.require_trainable(mini.model, clips_for(1024))


def test_clips_that_are_all_held_out_are_refused(checks, mini, clips_for):
    clips = clips_for(192)
    held_out = replace(clips, entries=(replace(clips.entries[0], held_out=True),))
    with pytest.raises(ValueError, match=r"no clips to train on .*\(1 are held out\)"):
        checks.require_trainable(mini.model, held_out)


def test_clips_that_are_gone_are_named(checks, mini, clips_for, tmp_path):
    clips = replace(clips_for(192), folder=tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"film a.*run SVD Training Clips again"):
        checks.require_trainable(mini.model, clips)


def test_a_model_of_another_kind_is_refused(checks, clips_for):
    class Other:
        model = torch.nn.Linear(1, 1)

    with pytest.raises(ValueError, match="connect the MODEL of Load SVD Model"):
        checks.require_trainable(Other(), clips_for(192))


def test_clips_are_known_by_what_they_train(checks, clips_for, tmp_path):
    clips = clips_for(192)
    known = checks.fingerprint_of_clips(clips)
    (entry,) = clips.entries
    moved = ClipSet(tmp_path / "moved", (replace(entry, source="renamed.mp4"),))
    assert checks.fingerprint_of_clips(moved) == known
    other = ClipSet(clips.folder, (replace(entry, motion_bucket_id=91),))
    assert checks.fingerprint_of_clips(other) != known


def test_the_precision_is_what_the_device_computes_in(checks):
    from svd_studio.training.lora.recipe import LoraRecipe

    auto = LoraRecipe(precision="auto")
    assert checks.resolved(auto, torch.device("cpu")).precision == "fp32"
    assert checks.resolved(LoraRecipe(), torch.device("cpu")).precision == "bf16"
    with pytest.raises(ValueError, match="precision fp8 is unknown: choose bf16 or fp32"):
        checks.resolved(LoraRecipe(precision="fp8"), torch.device("cpu"))
    with pytest.raises(ValueError, match="optimizer Lion is unknown: choose AdamW"):
        checks.resolved(LoraRecipe(optimizer="Lion"), torch.device("cpu"))


def test_an_optimizer_that_is_not_there_is_refused(checks):
    from svd_studio.training.lora.recipe import LoraRecipe

    weights = [torch.nn.Parameter(torch.zeros(2))]
    eight_bit = LoraRecipe(optimizer="AdamW 8-bit")
    with pytest.raises(ValueError, match=r"pip install bitsandbytes.*choose AdamW"):
        checks.new_optimizer(eight_bit, weights, torch.device("cpu"))


@pytest.mark.parametrize("name", ["", " ", "../away", "/tmp/away", "a/b", "..", "a\\b", "c:"])
def test_names_that_lead_out_are_refused(core, name):
    from svd_studio.nodes.run_train_node import run_folder

    with pytest.raises(ValueError, match="cannot be a folder's name"):
        run_folder(name)


def test_room_is_judged_before_it_starts(checks, mini, monkeypatch):
    from svd_studio.training.lora.need import TrainingNeed

    need = TrainingNeed(2**30, 3 * 2**30, 0, 0, 2**30)

    class Memory:
        total = 16 * 2**30

        def __init__(self, available):
            self.available = available * 2**30

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8))
    assert checks.require_room(need, mini.model) == need.describe()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(4.5))
    assert "Only 3.8" in checks.require_room(need, mini.model)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(3.5))
    with pytest.raises(NotEnoughMemoryError, match=r"about 5.00 GiB.* There are 3.50 GiB: train"):
        checks.require_room(need, mini.model)
