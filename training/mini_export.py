"""svd-mini as a checkpoint in the published layout, with its model card in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..models.clip_keys import clip_to_open_clip
from ..sampling.motion import FULL_SPEED
from . import mini_architecture
from .mini_unet import SVDNetworks

MODEL_CARD = (
    "svd-mini is a miniature of Stable Video Diffusion for trying graphs and for tests, not for "
    "pictures to keep. Trained from scratch on photographs in registry packages (scikit-image, "
    "scikit-learn, and the MIT-licensed comfyui-workflow-templates-media-*), moved by virtual "
    "cameras. Native: 14 frames of 256x144. Motion bucket = 255 * sqrt(speed / "
    f"{FULL_SPEED}), speed in frame widths per second; unguided, it pans to the right at that "
    "speed. Trained on fps 4..16 and augmentation levels up to 0.5. Licence: GPL-3.0-or-later."
)


def export(networks: SVDNetworks, vae: Mapping[str, Tensor], file: Path, step: int) -> None:
    """Write fp16 weights under the checkpoint's names."""
    tensors = {f"model.diffusion_model.{k}": v for k, v in networks.unet.state_dict().items()}
    tensors |= {f"first_stage_model.{k}": v for k, v in vae.items()}
    clip = clip_to_open_clip(networks.image_encoder.state_dict())
    tensors |= {f"conditioner.embedders.0.open_clip.model.visual.{k}": v for k, v in clip.items()}
    facts = {
        "variant": "svd-mini",
        "num_frames": 14,
        "width": 256,
        "height": 144,
        "num_head_channels": mini_architecture.UNET.num_head_channels,
        "norm_num_groups": mini_architecture.UNET.norm_num_groups,
        "training_steps": step,
    }
    metadata = {"svd_studio": json.dumps(facts), "model_card": MODEL_CARD, "format": "pt"}
    halves = {k: v.detach().to(torch.float16).contiguous() for k, v in tensors.items()}
    part = file.with_suffix(".part")
    save_file(halves, part, metadata=metadata)
    part.replace(file)
