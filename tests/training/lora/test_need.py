"""What training needs, counted without computing, against steps that are really made."""

from __future__ import annotations

import pytest
import torch
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.sources import MINI, open_svd
from svd_studio.training.live_tensors import LivePeak
from torch.profiler import profile

pytestmark = pytest.mark.comfy

FRAMES, HEIGHT, WIDTH = 6, 16, 24
GIBI = 2**30
PUBLISHED = UNetArchitecture()


@pytest.fixture(scope="module")
def architecture():
    return open_svd(MINI).unet_architecture


def modules_of(architecture):
    """Temporal attention of the UNet."""
    from svd_studio.models.patches.lora import unet_shapes
    from svd_studio.models.patches.lora_dry_run import meta_model
    from svd_studio.training.lora.layers import Branch, Depth, adapted_modules

    shapes = unet_shapes(meta_model(architecture, torch.float32))
    return adapted_modules(shapes, Branch.TEMPORAL, Depth.ATTENTION)


def needed(architecture, step, rank=4):
    from svd_studio.training.lora.need import training_need

    return training_need(architecture, step, modules_of(architecture), rank)


def step_of(shape=(FRAMES, HEIGHT, WIDTH), **choices):
    from svd_studio.training.lora.need import TrainingStep

    return TrainingStep(shape, **choices)


def real_step(mini, architecture, batch, dtype, checkpointing, counter):
    """A step on the CPU inside `counter`, gradients of an earlier one being there."""
    from svd_studio.models.patches import lora_training
    from svd_studio.training.lora.conditioning import ClipConditioning, unet_denoiser

    model = mini.model.clone()
    adapters = lora_training.add_adapters(model, modules_of(architecture), 4, 4.0, 0)
    if checkpointing:
        lora_training.checkpoint_layers(model)
    cond = ClipConditioning(
        torch.zeros(batch, 4, HEIGHT, WIDTH),
        torch.zeros(batch, 1, architecture.context_dim),
        torch.zeros(batch, architecture.adm_in_channels),
    )
    with lora_training.loaded_for_training(model, adapters, dtype, 0) as unet:
        for parameter in adapters.trained():
            parameter.grad = torch.zeros_like(parameter)
        denoiser = unet_denoiser(unet, dtype, lora_training.training_options())
        with counter:
            x = torch.zeros(batch, FRAMES, 4, HEIGHT, WIDTH)
            denoiser(x, torch.ones(batch), cond).square().mean().backward()
    return counter


@pytest.mark.parametrize("checkpointing", [True, False])
@pytest.mark.parametrize(("batch", "dtype"), [(1, torch.float32), (2, torch.bfloat16)], ids=str)
def test_the_count_is_that_of_a_real_step(mini, architecture, batch, dtype, checkpointing):
    live = real_step(mini, architecture, batch, dtype, checkpointing, LivePeak("cpu"))
    step = step_of(
        batch=batch, dtype=dtype, weights_dtype=torch.float32, checkpointing=checkpointing
    )
    assert needed(architecture, step).activations == pytest.approx(live.peak, rel=0.02)


def test_the_allocator_saw_as_much_as_was_counted(mini, architecture):
    recorded = profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True)
    real_step(mini, architecture, 1, torch.float32, False, recorded)
    step = step_of(dtype=torch.float32, checkpointing=False)
    assert needed(architecture, step).activations == pytest.approx(peak_of(recorded), rel=0.03)


def peak_of(recorded):
    events = recorded.profiler.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    live = peak = 0
    for _, change in changes:
        live += change
        peak = max(peak, live)
    return peak


def test_parts_are_counted_in_bytes_of_their_own(core, architecture):
    from svd_studio.training.lora.need import ADAMW

    need = needed(architecture, step_of(dtype=torch.float16), rank=4)
    numbers = need.gradients // 4  # float32
    assert need.optimizer == ADAMW * numbers
    assert need.adapters >= need.gradients
    assert need.weights == pytest.approx(2 * weights_of(architecture), rel=1e-3)
    assert need.total == need.weights + need.beside_weights
    assert f"{need.total / GIBI:.2f} GiB" in need.describe()


def weights_of(architecture):
    from svd_studio.models.loader import build_unet

    with torch.device("meta"):
        return sum(p.numel() for p in build_unet(architecture).parameters())


def test_the_published_unet_trains_within_twelve_gib(core):
    need = needed(PUBLISHED, step_of((14, 40, 72)), rank=16)
    assert need.weights == pytest.approx(3.05e9, rel=0.01)
    assert need.total < 12 * GIBI


def test_weights_of_another_type_wait_for_the_backward_pass_when_nothing_is_checkpointed(
    core, architecture
):
    kept, forgotten = (
        [
            needed(architecture, step_of(weights_dtype=weights, checkpointing=checkpointing))
            for weights in (torch.bfloat16, torch.float16)
        ]
        for checkpointing in (False, True)
    )
    assert kept[1].activations - kept[0].activations > 0.5 * kept[0].weights
    assert forgotten[1].activations - forgotten[0].activations < 0.2 * forgotten[0].weights


def test_nodes_can_ask_without_gradients(as_executed, architecture):
    assert needed(architecture, step_of()).activations > 0


def test_counting_draws_no_numbers_of_the_global_generator(core, architecture):
    before = torch.get_rng_state()
    needed(architecture, step_of())
    assert torch.equal(before, torch.get_rng_state())
