"""Files in the layouts that few-step weights are published in, narrow and untrained."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from svd_studio.models.architecture import UNetArchitecture, VAEArchitecture
from svd_studio.models.diffusers_keys import rename, swap, unet_pairs
from svd_studio.models.sources import MINI
from svd_studio.models.svd import CLIP_PREFIX, UNET_PREFIX, VAE_PREFIX
from torch import Tensor

from .diffusers_twins import unet_twin

COMFY_NAME = "AnimateLCM-SVD-xt-1-1_fp16_comfy.safetensors"
DIFFUSERS_NAME = "AnimateLCM-SVD-xt-1.1.safetensors"
TDD_NAME = "svd-xt-1-1_tdd_lora_weights.safetensors"
NARROW = UNetArchitecture(model_channels=64, channel_mult=(1, 1, 1, 1), context_dim=64)
VAE = VAEArchitecture(channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1)


def diffusers_unet() -> dict[str, Tensor]:
    """diffusers' network of SVD's levels and blocks, under its own names."""
    return {name: t.half() for name, t in unet_twin(NARROW).state_dict().items()}


def write_unet(file: Path) -> Path:
    """As wangfuyun/AnimateLCM-SVD-xt: the UNet alone, diffusers' names, no metadata."""
    save_file(diffusers_unet(), file)
    return file


def write_checkpoint(file: Path) -> Path:
    """As Kijai/AnimateLCM-SVD-Comfy: all three parts, checkpoint names, fp16, no metadata."""
    from svd_studio.models.loader import build_vae

    unet = rename(diffusers_unet(), swap(unet_pairs(NARROW)))
    vae = {name: torch.zeros_like(t).half() for name, t in build_vae(VAE).state_dict().items()}
    clip = {k: t for k, t in load_file(MINI).items() if k.startswith(CLIP_PREFIX)}
    parts = {UNET_PREFIX: unet, VAE_PREFIX: vae}
    prefixed = {prefix + name: t for prefix, part in parts.items() for name, t in part.items()}
    save_file(clip | prefixed, file)
    return file
