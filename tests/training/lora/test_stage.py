"""One step of a LoRA's training, and what it leaves of the MODEL that others use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from svd_studio.training.clips.clip_set import ClipSet
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


def gradients(stage, index=0):
    stage._backward(index, 0)
    found = [p.grad.clone() for p in stage.adapters.trained()]
    stage.optimizer.zero_grad()
    return found


def with_something_learned(stage):
    """Second factors that are not zero, so that the first ones have gradients too."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in stage.adapters.layers:
            up = layer.lora_up.weight
            up.copy_(torch.randn(up.shape, generator=generator) * 0.02)


def output_of(model):
    """The MODEL's own prediction, as a sampler asks for it."""
    import comfy.model_management

    generator = torch.Generator().manual_seed(2)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    with torch.inference_mode():
        comfy.model_management.load_models_gpu([model])
        return model.model.apply_model(
            draw(4, 4, 8, 16),
            torch.full((4,), 3.0),
            c_concat=draw(4, 4, 8, 16),
            c_crossattn=draw(4, 1, 192),
            y=draw(4, 768),
            num_video_frames=4,
        )


def test_a_lora_learns_its_own_clip(training, tiny, clips):
    alone = ClipSet(clips.folder, (clips.entries[0], replace(clips.entries[0], held_out=True)))
    with training(tiny(learning_rate=1e-2, ema_decay=0.0), alone) as stage:
        before = stage.validate(0)
        for index in range(8):
            stage.step(index, 1.0)
        assert stage.validate(8) < before * 0.99


def test_new_adapters_change_nothing(training, tiny, mini):
    base = output_of(mini.model)
    with training(tiny()) as stage:
        before = stage.validate(0)
        for layer in stage.adapters.layers:
            with torch.no_grad():
                layer.lora_down.weight.mul_(3)
        assert stage.validate(0) == before
    assert torch.equal(output_of(mini.model), base)


@pytest.mark.parametrize("branch", ["TEMPORAL", "SPATIAL"])
def test_layers_computed_twice_give_the_same_gradients(training, tiny, branch):
    from svd_studio.training.lora.layers import Branch, Depth

    found = []
    for checkpointing in (False, True):
        recipe = tiny(
            branch=Branch[branch], depth=Depth.EVERYTHING, checkpointing=checkpointing, rank=1
        )
        with training(recipe) as stage:
            with_something_learned(stage)
            found.append(gradients(stage))
    scale = max(grad.abs().max().item() for grad in found[0])
    assert all(grad.abs().max() > 0 for grad in found[0])
    for kept, again in zip(*found, strict=True):
        assert_close(again, kept, rtol=0, atol=1e-5 * scale)


def test_two_batches_of_one_clip_weigh_as_much_as_one_batch_of_one(training, tiny, clips):
    alone = ClipSet(clips.folder, clips.entries[:1])
    losses = []
    for count in (1, 2):
        with training(tiny(accumulation=count, cond_noise=0.0), alone) as stage:
            backward = stage._backward
            stage._backward = lambda index, _, backward=backward: backward(index, 0)
            losses.append(stage.step(0, 1.0))
            losses.append(stage.adapters.trained()[0].clone())
    assert losses[0] == pytest.approx(losses[2])
    assert_close(losses[1], losses[3])


def test_the_shared_model_is_as_before_the_training(training, tiny, mini):
    before = output_of(mini.model)
    with training(tiny(checkpointing=True)) as stage:
        stage.step(0, 1.0)
    with training(tiny()) as stage:
        stage.step(0, 1.0)
    network = mini.model.model
    assert not [m for m in network.modules() if getattr(m, "weight_function", None)]
    assert not mini.model.object_patches_backup
    assert torch.equal(output_of(mini.model), before)


def test_training_stopped_by_an_error_leaves_the_model_alone(training, tiny, mini):
    before = output_of(mini.model)
    with pytest.raises(RuntimeError, match="stopped"), training(tiny(checkpointing=True)):
        raise RuntimeError("stopped")
    assert torch.equal(output_of(mini.model), before)


def test_training_goes_on_after_the_model_was_sampled(training, tiny, mini):
    """A MODEL that was loaded by ComfyUI holds inference tensors, which autograd refuses."""
    output_of(mini.model)
    with training(tiny()) as stage:
        assert stage.step(0, 1.0) > 0


def test_validation_is_the_same_every_time_and_moves_nothing(training, tiny):
    with training(tiny()) as stage:
        stage.step(0, 1.0)
        weights = stage.adapters.by_module()
        assert stage.validate(1) == stage.validate(1)
        for name, adapter in stage.adapters.by_module().items():
            for role, tensor in adapter.items():
                assert torch.equal(tensor, weights[name][role])


def test_nothing_is_validated_without_clips_held_out(training, tiny, clips):
    with training(tiny(), ClipSet(clips.folder, clips.training)) as stage:
        assert stage.validate(0) is None
        assert stage.validations == []


def test_the_average_is_what_ships_and_the_last_weights_train_on(training, tiny):
    with training(tiny(ema_decay=0.9)) as stage:
        for index in range(3):
            stage.step(index, 1.0)
        last = stage.adapters.trained()[0].clone()
        with stage.averaged():
            assert not torch.equal(stage.adapters.trained()[0], last)
        assert torch.equal(stage.adapters.trained()[0], last)


def test_without_an_average_the_last_weights_ship(training, tiny):
    with training(tiny(ema_decay=0.0)) as stage:
        stage.step(0, 1.0)
        last = stage.adapters.trained()[0].clone()
        with stage.averaged():
            assert torch.equal(stage.adapters.trained()[0], last)


def test_a_loss_that_is_no_number_changes_nothing(training, tiny, load_clip, clips):
    from svd_studio.training.lora.stage import DivergedError

    with training(tiny()) as stage:
        stage.step(0, 1.0)
        before = stage.state_dict()["adapters"]
        before = {key: tensor.clone() for key, tensor in before.items()}
        stage.load = lambda entry: replace(
            load_clip(entry), latents=load_clip(entry).latents * 1e38
        )
        with pytest.raises(DivergedError, match="lower the learning rate"):
            stage.step(1, 1.0)
        assert len(stage.losses) == 1
        for key, tensor in stage.adapters.state_dict().items():
            assert torch.equal(tensor, before[key])


def test_a_batch_has_clips_of_one_shape(training, tiny, clips):
    import random

    wide = replace(clips.entries[0], file="wide", width=256)
    mixed = ClipSet(Path("nowhere"), (*clips.training, wide))
    with training(tiny(batch_size=3), mixed) as stage:
        for seed in range(12):
            drawn = stage._draw(random.Random(seed))
            assert len(drawn) == 3
            assert len({entry.shape for entry in drawn}) == 1


def test_adapters_of_another_rank_are_refused(training, tiny):
    with training(tiny(rank=3)) as stage:
        other = stage.adapters.by_module()
    with training(tiny()) as stage, pytest.raises(ValueError, match="train with its own rank"):
        stage.adapters.load(other)
