"""Networks of the published size with random weights, in memory, for benches that compute."""

from __future__ import annotations

from collections.abc import Callable

import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher
from svd_studio.models.architecture import UNetArchitecture, VAEArchitecture
from svd_studio.models.loader import build_unet, build_vae
from torch import Tensor, nn

GAIN = 0.7  # keeps signals about as large as they come


def unet_of_random_weights() -> ModelPatcher:
    """A patcher around a stand-in model whose `diffusion_model` is core's UNet, fp32 on the CPU."""
    model = nn.Module()
    model.diffusion_model = randomised(build_unet(UNetArchitecture()))
    cpu = torch.device("cpu")
    return ModelPatcher(model, load_device=cpu, offload_device=cpu)


def inputs_of(model: ModelPatcher, shape: tuple[int, ...]) -> Callable[[], Tensor]:
    """A pass of the UNet over latents of `shape` (T, 4, h, w)."""
    frames, _, height, width = shape
    generator = torch.Generator().manual_seed(1)

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    x, context = noise(frames, 8, height, width), noise(frames, 1, 1024)
    vector, timestep = noise(frames, 768), torch.ones(frames)
    unet = model.model.diffusion_model
    return lambda: unet(x, timestep, context, y=vector, num_video_frames=frames)


def decoder_and_latents(shape: tuple[int, ...]) -> tuple[comfy.sd.VAE, Tensor]:
    """Core's VAE, fp32 on the CPU, and latents (T, 4, h, w)."""
    weights = randomised(build_vae(VAEArchitecture())).state_dict()
    vae = comfy.sd.VAE(sd=weights, device=torch.device("cpu"), dtype=torch.float32)
    return vae, torch.randn(shape, generator=torch.Generator().manual_seed(2))


def randomised(network: nn.Module) -> nn.Module:
    """Every weight drawn anew, such that signals keep their size."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in network.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if weight.ndim > 1:
            noise *= (GAIN / weight[0].numel()) ** 0.5
        elif not name.endswith("mix_factor"):
            noise = noise * 0.1 + (1.0 if name.endswith("weight") else 0.0)
        weight.data = noise
    return network.eval().requires_grad_(False)
