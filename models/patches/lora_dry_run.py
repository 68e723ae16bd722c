"""The UNet made ready to train a LoRA on the meta device, where tensors have sizes alone.

A step of the full-size network takes seconds there and no memory. Adapters, casts and checkpoints
are those of real training, put on by the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import comfy.model_base
import comfy.supported_models
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ..architecture import UNetArchitecture
from ..loader import set_norm_groups
from .lora_training import Adapters, add_adapters, checkpoint_layers

META = torch.device("meta")
WIDTH_STEP = 8  # flash attention's head widths are multiples of it


@dataclass(frozen=True)
class DryNetwork:
    """`options` are the transformer options to run `unet` with."""

    unet: nn.Module
    adapters: Adapters
    options: dict


def dry_network(
    architecture: UNetArchitecture,
    modules: Sequence[str],
    rank: int,
    dtype: torch.dtype,
    weights_dtype: torch.dtype,
    checkpointing: bool,
) -> DryNetwork:
    """A UNet of frozen `weights_dtype` that computes in `dtype`, with adapters on `modules`."""
    model = meta_model(architecture, weights_dtype)
    adapters = add_adapters(model, modules, rank, float(rank), seed=0)
    if checkpointing:
        checkpoint_layers(model)
    model.set_model_compute_dtype(dtype)
    model.patch_model(META)
    unet = model.model.diffusion_model.requires_grad_(False)
    return DryNetwork(unet, adapters.to(META), {"optimized_attention_override": flash_attention})


def meta_model(architecture: UNetArchitecture, dtype: torch.dtype) -> ModelPatcher:
    """A MODEL of this architecture whose weights have names, shapes and a type, and no numbers."""
    config = comfy.supported_models.SVD_img2vid(architecture.core_arguments())
    config.unet_config |= architecture.core_arguments()
    config.set_inference_dtype(dtype, None)
    model = comfy.model_base.SVD_img2vid(config, device=META)
    set_norm_groups(model.diffusion_model, architecture.norm_num_groups)
    return ModelPatcher(model, load_device=META, offload_device=META)


def flash_attention(
    _: object, q: Tensor, k: Tensor, v: Tensor, heads: int, *args: object, **kwargs: object
) -> Tensor:
    """Core's attention over q, k, v (B, tokens, heads * width), for sizes alone.

    The backward pass is kept q, k, v, the result and a float32 a query and head (Dao 2023), as
    every fused kernel does; no score matrix is made. On the meta device PyTorch itself would choose
    its plain formula, which makes one.
    """
    batch, _, channels = q.shape
    width = channels // heads
    q, k, v = (t.view(batch, -1, heads, width).transpose(1, 2) for t in (q, k, v))
    padding = -width % WIDTH_STEP
    if padding:
        q, k, v = (nn.functional.pad(t, (0, padding)) for t in (q, k, v))
    out = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)[0][..., :width]
    return out.transpose(1, 2).reshape(batch, -1, channels)
