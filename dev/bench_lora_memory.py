"""What training a LoRA on the published UNet takes of the device, counted on the meta device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from bench_report import Row
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.patches.lora import unet_shapes
from svd_studio.models.patches.lora_dry_run import meta_model
from svd_studio.training.lora.layers import Branch, Depth, adapted_modules
from svd_studio.training.lora.need import GIBI, TrainingNeed, TrainingStep, training_need

RANK = 16
TARGET = 12.0  # GiB, for 14 frames of 576x320
FILMS = ((14, 40, 72), (25, 40, 72), (14, 72, 128), (25, 72, 128))


def memory_rows() -> Iterator[Row]:
    """Published weights are fp16, and the UNet computes in bf16; AdamW in float32."""
    for film in FILMS:
        for checkpointing in (True, False):
            need = need_of(TrainingStep(film, 1, torch.bfloat16, torch.float16, checkpointing))
            frames, height, width = film
            name = f"LoRA {frames}x{height * 8}x{width * 8}, temporal rank {RANK}"
            name += "" if checkpointing else ", no checkpoints"
            target = TARGET if checkpointing and film == FILMS[0] else None
            yield Row(f"{name}: activations", "GiB", None, need.activations / GIBI)
            yield Row(f"{name}: in all", "GiB", None, need.total / GIBI, target)
    step = TrainingStep(FILMS[0], weights_dtype=torch.float16)
    whole = need_of(step, Branch.BOTH, Depth.EVERYTHING)
    yield Row(
        f"LoRA 14x320x576, every layer, rank {RANK}: in all",
        "GiB",
        None,
        whole.total / GIBI,
        TARGET,
    )


def need_of(
    step: TrainingStep, branch: Branch = Branch.TEMPORAL, depth: Depth = Depth.ATTENTION
) -> TrainingNeed:
    published = UNetArchitecture()
    shapes = unet_shapes(meta_model(published, torch.float16))
    return training_need(published, step, adapted_modules(shapes, branch, depth), RANK)
