"""SVD Train LoRA as ComfyUI runs it: what it gives, refuses, keeps and goes on with."""

from __future__ import annotations

import errno
import json

import pytest
import torch
from safetensors.torch import load_file
from svd_studio.training.clips.cache import save_clip
from svd_studio.training.clips.clip_set import CachedClip, ClipEntry, ClipSet

pytestmark = pytest.mark.comfy

FRAMES, HEIGHT, WIDTH, CONTEXT = 3, 4, 8, 192
WIDGETS = {
    "name": "run", "when_begun": "go on", "steps": 4, "learning_rate": 2e-3, "rank": 2,
    "alpha": 0.0, "branch": "temporal: motion, camera", "depth": "attention", "seed": 3,
    "batch_size": 1, "accumulation": 1, "sigma_log_mean": 0.7, "sigma_log_std": 1.6,
    "high_noise_share": 0.2, "cond_noise": 0.5, "cond_dropout": 0.1, "ema_decay": 0.9,
    "optimizer": "AdamW", "precision": "auto", "checkpointing": True, "validate_every": 2,
}  # fmt: skip


def clip_set(folder):
    entries = []
    for n in range(3):
        generator = torch.Generator().manual_seed(n)
        latents = torch.randn(FRAMES, 4, HEIGHT, WIDTH, generator=generator) * 4
        clip = CachedClip(
            latents, latents[:1], torch.zeros(1), torch.randn(1, CONTEXT, generator=generator)
        )
        size = (FRAMES, WIDTH * 8, HEIGHT * 8)
        entry = ClipEntry(f"{n}.safetensors", f"film {n}", *size, 7, 90 + n, held_out=n == 2)
        save_clip(folder, entry, clip, torch.zeros(3, 8, 8, 3))
        entries.append(entry)
    return ClipSet(folder, tuple(entries))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return clip_set(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def output(core, tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "out"))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))
    return tmp_path / "out" / "svd_studio" / "lora_runs"


@pytest.fixture(scope="module")
def known_need(core):
    """What these runs need, counted once: counting takes as long as training so little."""
    from svd_studio.nodes import run_train_checks

    real, known = run_train_checks.need_of, []

    def need(*args):
        if not known:
            known.append(real(*args))
        return known[0]

    return need


@pytest.fixture
def train(mini, clips, output, as_executed, known_need, monkeypatch):
    """train(**changes): lora, report and picture of the node."""
    from svd_studio.nodes import run_train_checks, run_train_lora
    from svd_studio.nodes.train_lora import SVDTrainLora

    monkeypatch.setattr(run_train_checks, "need_of", known_need)
    monkeypatch.setattr(run_train_lora, "SAMPLE_STEPS", 2)

    def train(model=mini.model, clips=clips, **changes):
        return SVDTrainLora.execute(model=model, clips=clips, **WIDGETS | changes)

    return train


@pytest.fixture
def cancel_at(core, monkeypatch):
    """cancel_at(n): the user cancels after step n; 0: before anything."""
    import comfy.model_management as management
    import comfy.utils

    def at(step):
        def hook(value, total, preview, node_id=None):
            if value == step:
                management.interrupt_current_processing()

        monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", hook)
        management.interrupt_current_processing(step == 0)

    yield at
    management.interrupt_current_processing(False)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_lora_its_report_and_the_loss_curve(train, output, mini):
    from svd_studio.training.lora.about import KEY

    result = train()
    lora, report, picture = result.args
    names = set(lora)
    assert "diffusion_model.input_blocks.3.1.time_stack.0.attn1.to_q.lora_up.weight" in names
    assert all(key.startswith("diffusion_model.") and ".time_stack." in key for key in names)
    assert any(lora[key].abs().max() > 0 for key in names if key.endswith("lora_up.weight"))
    facts = json.loads(lora.metadata[KEY])
    assert facts["step"] == 4
    assert facts["recipe"]["alpha"] == 2.0
    for words in ("run: step 4 of 4, loss ", "validation", "Training needs about", "peak", "fp32"):
        assert words in report
    assert picture.shape == (1, 540, 1200, 3)
    assert len(result.ui.as_dict()["images"]) == 1
    on_disk = load_file(output / "run" / "run.safetensors")
    assert same(on_disk, dict(lora))


def test_the_model_films_as_before_and_takes_the_lora(train, mini):
    import comfy.model_management
    from svd_studio.models.lora.match import match_lora
    from svd_studio.models.patches.lora import apply_lora, unet_shapes
    from svd_studio.nodes.lora_inputs import FROM_INPUT, find_lora

    def output_of(model):
        comfy.model_management.load_models_gpu([model])
        generator = torch.Generator().manual_seed(0)

        def draw(*shape):
            return torch.randn(shape, generator=generator)

        shape = (FRAMES, 4, HEIGHT, WIDTH)
        told = {"c_concat": draw(*shape), "c_crossattn": draw(FRAMES, 1, CONTEXT)}
        sigma, y = torch.full((FRAMES,), 3.0), draw(FRAMES, 768)
        return model.model.apply_model(draw(*shape), sigma, y=y, num_video_frames=FRAMES, **told)

    before = output_of(mini.model)
    lora, *_ = train(steps=2).args
    assert torch.equal(output_of(mini.model), before)
    match = match_lora(find_lora(FROM_INPUT, lora), unet_shapes(mini.model))
    assert not match.unmatched
    assert not match.wrong_shape
    assert not torch.equal(output_of(apply_lora(mini.model, match.weights)), before)
    assert torch.equal(output_of(mini.model), before)


def test_a_cancelled_run_goes_on_and_ends_as_an_uncancelled_one(train, cancel_at, output):
    import comfy.model_management as management

    whole, *_ = train(name="whole").args
    cancel_at(3)
    with pytest.raises(management.InterruptProcessingException):
        train()
    so_far = output / "run" / "run.safetensors"
    assert so_far.is_file()
    assert not same(load_file(so_far), dict(whole))
    again, *_ = train().args
    assert same(dict(again), dict(whole))


def test_a_cancel_before_the_first_step_leaves_nothing_behind(train, cancel_at, output):
    import comfy.model_management as management

    cancel_at(0)
    with pytest.raises(management.InterruptProcessingException):
        train()
    assert not (output / "run" / "state.pt").exists()


def test_a_finished_run_is_given_back_without_training(train, cancel_at):
    lora, *_ = train().args
    cancel_at(0)  # at the first use of a network
    again, report, _ = train().args
    assert same(dict(again), dict(lora))
    assert "was finished before" in report


def test_more_steps_go_on_and_start_again_begins_anew(train, output):
    first, *_ = train(steps=2).args
    longer, report, _ = train(steps=3).args
    assert "step 3 of 3" in report
    assert not same(dict(longer), dict(first))
    anew, *_ = train(steps=2, when_begun="start again").args
    assert same(dict(anew), dict(first))


def test_other_settings_are_another_run(train, clips):
    train(steps=1)
    with pytest.raises(ValueError, match=r"learning_rate was 0.002, now 0.001.*another name"):
        train(steps=1, learning_rate=1e-3)
    with pytest.raises(ValueError, match="clips was"):
        train(steps=1, clips=ClipSet(clips.folder, clips.entries[:2]))


def test_clips_are_drawn_and_shown_when_there_is_a_vae(train, mini, output):
    picture = train(steps=2, vae=mini.vae).args[2]
    names = [file.name for file in sorted((output / "run" / "samples").iterdir())]
    assert names == ["step_000000.png", "step_000002.png"]
    assert picture.shape[1] > 540


def test_a_vae_that_pushes_the_network_off_the_device_changes_nothing(train, mini, monkeypatch):
    import comfy.model_management as management
    from svd_studio.nodes import run_train_node

    def decode(vae, latents):
        management.unload_all_models()
        management.load_models_gpu([mini.model])
        return torch.zeros(3, 32, 64, 3), ""

    alone, *_ = train(name="alone", steps=3, validate_every=1).args
    monkeypatch.setattr(run_train_node, "decode_film", decode)
    pushed, *_ = train(steps=3, validate_every=1, vae=mini.vae).args
    assert same(dict(pushed), dict(alone))


def test_progress_and_pictures_while_it_trains(train, monkeypatch):
    import comfy.utils

    told = []
    monkeypatch.setattr(
        comfy.utils, "PROGRESS_BAR_HOOK", lambda *told_, node_id=None: told.append(told_)
    )
    train()
    steps = [value for value, total, _ in told if total == 4]
    assert steps == [1, 2, 3, 4]
    kind, picture, _ = next(preview for _, _, preview in told if preview)
    assert (kind, picture.size) == ("JPEG", (1200, 540))


def test_a_frozen_model_in_bf16_trains_factors_in_fp32(train, output):
    lora, report, _ = train(steps=1, precision="bf16").args
    assert "bf16" in report
    assert {tensor.dtype for tensor in lora.values()} == {torch.float32}
    assert all(tensor.isfinite().all() for tensor in lora.values())


def test_training_goes_on_from_another_lora(train):
    first, *_ = train(steps=2).args
    more, report, _ = train(steps=1, name="more", lora=first, learning_rate=1e-7).args
    assert "begun with run" in report
    for key, tensor in more.items():
        torch.testing.assert_close(tensor, first[key], rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="base was"):
        train(steps=1, name="more", learning_rate=1e-7)
    with pytest.raises(ValueError, match="train with its own rank"):
        train(steps=1, name="rank", lora=first, rank=3)
    with pytest.raises(ValueError, match="choose the branch and depth"):
        train(steps=1, name="branch", lora=first, branch="spatial: looks, character")


def test_a_loss_that_is_no_number_keeps_what_was_trained(train, mini, monkeypatch, output):
    from svd_studio.training.lora.stage import LoraStage

    sound = LoraStage._loss

    def loss(self, *args):
        bad = float("nan") if len(self.losses) == 3 else 1.0
        return sound(self, *args) * bad

    monkeypatch.setattr(LoraStage, "_loss", loss)
    with pytest.raises(ValueError, match="lower the learning rate"):
        train()
    state = torch.load(output / "run" / "state.pt", weights_only=True)  # noqa: TID251 - our own
    assert state["step"] == 3
    assert all(tensor.isfinite().all() for tensor in state["stage"]["adapters"].values())
    assert (output / "run" / "run.safetensors").is_file()


def test_a_full_disk_is_named(train, monkeypatch, output):
    from svd_studio.training import resumable
    from svd_studio.video.disk import DiskFullError

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(resumable.Path, "write_bytes", full)
    with pytest.raises(DiskFullError, match="room for the state of the training run"):
        train()
