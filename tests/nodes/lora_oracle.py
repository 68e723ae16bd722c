"""What peft makes of an adapter in diffusers' twin of svd-mini, and what the pack makes of it."""

from __future__ import annotations

import copy
from pathlib import Path

import comfy.model_management
import torch
from comfy.model_patcher import ModelPatcher
from peft import PeftConfig, get_peft_model
from svd_studio.models.sources import MINI, open_svd
from svd_studio.training import mini_architecture
from torch import Tensor, nn

from ..models.diffusers_twins import diffusers_weights, unet_twin

FRAMES, HEIGHT, WIDTH = 3, 8, 16
SIGMA_AS_TOLD = 0.7  # a quarter of the logarithm of sigma, as both networks are told it
TOLD = (6.0, 127.0, 0.02)


def mini_twin() -> nn.Module:
    twin = unet_twin(mini_architecture.UNET)
    weights = diffusers_weights(open_svd(MINI))["unet"]
    twin.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return twin.requires_grad_(False)


def with_random_adapter(
    twin: nn.Module, config: PeftConfig, scale: float, folder: Path
) -> nn.Module:
    """peft's model of a copy of `twin`, factors drawn `scale` large, saved in `folder` by peft."""
    adapted = get_peft_model(copy.deepcopy(twin), config).eval()
    generator = torch.Generator().manual_seed(3)
    for name, factor in adapted.named_parameters():
        if factor.requires_grad:
            drawn = torch.randn(factor.shape, generator=generator)
            # magnitudes are of the weights' size, factors small
            magnitude = "magnitude" in name
            factor.data = factor * (1 + 0.2 * drawn) if magnitude else drawn * scale
    adapted.save_pretrained(folder)
    return adapted


def twin_output(twin: nn.Module) -> Tensor:
    """Its v, (T, 4, h, w), for what `our_output` is given."""
    x, context, ids = _inputs()
    return twin(x[None], SIGMA_AS_TOLD, context[None], added_time_ids=ids[None]).sample[0]


def our_output(model: ModelPatcher, twin: nn.Module) -> Tensor:
    """v of the patched UNet; the twin's embedding of the three numbers is core's, too."""
    x, context, ids = _inputs()
    told = twin.add_time_proj(ids).reshape(1, -1)
    comfy.model_management.load_models_gpu([model])
    return model.model.diffusion_model(
        x,
        torch.full((FRAMES,), SIGMA_AS_TOLD),
        context.expand(FRAMES, -1, -1),
        told.expand(FRAMES, -1),
        num_video_frames=FRAMES,
        image_only_indicator=torch.zeros(1),
    )


def _inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(FRAMES, 8, HEIGHT, WIDTH, generator=generator)
    context = torch.randn(1, mini_architecture.UNET.context_dim, generator=generator)
    return x, context, torch.tensor(TOLD)
