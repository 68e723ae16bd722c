"""svd-mini with small adapters on it, and a few tiny clips to train on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import torch
from svd_studio.training.clips.clip_set import CachedClip, ClipEntry, ClipSet

FRAMES, HEIGHT, WIDTH, CONTEXT = 3, 4, 8, 192


@pytest.fixture(scope="session")
def entries() -> tuple[ClipEntry, ...]:
    """Three clips to train on and one that is held out."""
    size = (FRAMES, WIDTH * 8, HEIGHT * 8)
    return tuple(
        ClipEntry(f"{n}.safetensors", f"clip {n}", *size, 7, 60 + 40 * n, held_out=n == 3)
        for n in range(4)
    )


@pytest.fixture(scope="session")
def clips(entries) -> ClipSet:
    return ClipSet(Path("nowhere"), entries)


@pytest.fixture(scope="session")
def load_clip() -> Callable[[ClipEntry], CachedClip]:
    def load(entry: ClipEntry) -> CachedClip:
        generator = torch.Generator().manual_seed(entry.motion_bucket_id)
        latents = torch.randn(FRAMES, 4, HEIGHT, WIDTH, generator=generator) * 4
        noisy = latents[:1] + torch.randn(2, 4, HEIGHT, WIDTH, generator=generator)
        return CachedClip(
            latents,
            torch.cat([latents[:1], noisy]),
            torch.tensor([0.0, 0.02, 0.05]),
            torch.randn(1, CONTEXT, generator=generator),
        )

    return load


@pytest.fixture
def tiny(core) -> Callable:
    """tiny(**changes): a recipe of few steps in full precision."""
    from svd_studio.training.lora.recipe import LoraRecipe

    def recipe(**changes: object) -> LoraRecipe:
        settings = {
            "steps": 6, "rank": 2, "alpha": 2.0, "learning_rate": 2e-3, "warmup": 1,
            "precision": "fp32", "checkpointing": False, "seed": 5, "validate_every": 3,
            "save_every": 2, "ema_decay": 0.9,
        }  # fmt: skip
        return LoraRecipe(**settings | changes)

    return recipe


@pytest.fixture
def training(mini, clips, load_clip) -> Callable[..., AbstractContextManager]:
    """training(recipe): inside the block, the stage of a run on svd-mini."""
    from svd_studio.models.patches import lora_training
    from svd_studio.models.patches.lora import unet_shapes
    from svd_studio.training.lora.conditioning import unet_denoiser
    from svd_studio.training.lora.layers import adapted_modules
    from svd_studio.training.lora.stage import LoraStage

    @contextmanager
    def begin(recipe, clips=clips):
        model = mini.model.clone()
        modules = adapted_modules(unet_shapes(model), recipe.branch, recipe.depth)
        adapters = lora_training.add_adapters(
            model, modules, recipe.rank, recipe.alpha, recipe.seed
        )
        if recipe.checkpointing:
            lora_training.checkpoint_layers(model)
        optimizer = torch.optim.AdamW(adapters.trained(), betas=(0.9, 0.99))
        with lora_training.loaded_for_training(model, adapters, torch.float32, 0) as unet:
            denoiser = unet_denoiser(unet, torch.float32, lora_training.training_options())
            yield LoraStage(denoiser, adapters, clips, load_clip, recipe, optimizer)

    return begin
