"""What a trained LoRA says of itself: metadata that other programs read, and our own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from statistics import median

import torch
from torch import Tensor

from ..clips.clip_set import ClipSet
from .recipe import LoraRecipe

KEY = "svd_studio_lora"
NOTE = "Trained on Stable Video Diffusion: its licence holds for what is derived from it."


def base_fingerprint(unet: Mapping[str, Tensor]) -> str:
    """A short name of a UNet's weights, the same in fp32, fp16 and bf16: of its biases and norms.

    16 hexadecimal digits of a SHA-256.
    """
    content = hashlib.sha256()
    for name in sorted(k for k, tensor in unet.items() if tensor.ndim == 1):
        rounded = unet[name].detach().to("cpu", torch.bfloat16).contiguous()
        content.update(name.encode() + rounded.view(torch.uint8).numpy().tobytes())
    return content.hexdigest()[:16]


def summary_of(clips: ClipSet) -> dict[str, int | float | list]:
    """The data in a few numbers: no names of the user's files travel with the LoRA."""
    buckets = [entry.motion_bucket_id for entry in clips.training]
    return {
        "clips": len(clips.training),
        "held_out": len(clips.held_out),
        "shapes": sorted({f"{t}x{h}x{w}" for t, h, w in {e.shape for e in clips.training}}),
        "motion_bucket_ids": [min(buckets), median(buckets), max(buckets)],
    }


def metadata(
    recipe: LoraRecipe, base: str, clips: ClipSet, step: int, validations: list[tuple[int, float]]
) -> dict[str, str]:
    """`base` is `base_fingerprint` the UNet it was trained on; `step`, how far training got."""
    own = {
        "base": base,
        "step": step,
        "recipe": recipe.settings(),
        "clips": summary_of(clips),
        "validation": validations[-1][1] if validations else None,
        "validation_before": validations[0][1] if validations else None,
    }
    return {
        KEY: json.dumps(own),
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-video-diffusion/lora",
        "modelspec.license": NOTE,
        "ss_network_dim": str(recipe.rank),
        "ss_network_alpha": str(recipe.alpha),
        "ss_steps": str(step),
        "ss_seed": str(recipe.seed),
    }
