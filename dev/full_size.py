"""A checkpoint of the published size and layout with random weights, kept in .runtime/full-size/.

Films made with it are noise. It is for loading, parity, memory and speed; `core` must have started.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from svd_studio.models.architecture import (
    ImageEncoderArchitecture,
    UNetArchitecture,
    VAEArchitecture,
)
from svd_studio.models.clip_keys import clip_to_open_clip
from svd_studio.models.svd import CLIP_PREFIX, UNET_PREFIX, VAE_PREFIX
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".runtime" / "full-size"
NAME = "svd_random_1.safetensors"  # count up when the recipe changes
NORM_SPREAD, BIAS_SPREAD, KERNEL_GAIN = 0.1, 0.02, 0.7


def full_size_checkpoint() -> Path:
    """The file, 4.5 GB; written on first use, which takes two minutes and 10 GB of memory."""
    file = FOLDER / NAME
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        save_file(_checkpoint(torch.Generator().manual_seed(0)), part)
        part.replace(file)
    return file


def _checkpoint(generator: torch.Generator) -> dict[str, Tensor]:
    """The three networks in half precision under the published names."""
    from svd_studio.models.loader import build_unet, build_vae

    tensors = _under(UNET_PREFIX, _randomly(build_unet(UNetArchitecture()), generator))
    tensors |= _under(VAE_PREFIX, _randomly(build_vae(VAEArchitecture()), generator))
    image_encoder = dict(_randomly(_build_image_encoder(), generator))
    return tensors | _under(CLIP_PREFIX, clip_to_open_clip(image_encoder).items())


def _build_image_encoder() -> nn.Module:
    import comfy.clip_model
    import comfy.ops

    config = ImageEncoderArchitecture().core_arguments()
    operations = comfy.ops.disable_weight_init
    return comfy.clip_model.CLIPVisionModelProjection(config, torch.float32, "cpu", operations)


def _randomly(network: nn.Module, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """Every weight drawn anew, no two alike, such that signals keep their size."""
    for name, old in network.state_dict().items():
        noise = torch.randn(old.shape, generator=generator)
        if name.endswith("mix_factor"):
            new = noise
        elif old.ndim > 1:
            new = noise * (KERNEL_GAIN / old[0].numel()) ** 0.5
        elif name.endswith("weight"):
            new = 1 + noise * NORM_SPREAD
        else:
            new = noise * BIAS_SPREAD
        yield name, new.half()


def _under(prefix: str, named: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {prefix + name: tensor.contiguous() for name, tensor in named}
