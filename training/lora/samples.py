"""A clip as the LoRA makes it now, to look at while it trains."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from ...sampling.guidance import FrameGuidance
from ...sampling.sigmas import make_sigmas
from ..objective import SIGMA_MAX, SIGMA_MIN, denoised
from .conditioning import LATENT_SCALE, ClipConditioning, Denoiser


@torch.no_grad()
def sample_clip(
    denoiser: Denoiser,
    cond: ClipConditioning,
    shape: tuple[int, int, int, int],
    steps: int,
    guidance: FrameGuidance,
    seed: int,
) -> Tensor:
    """Euler steps (Karras et al. 2022) on the published schedule: latents (T, 4, h, w), unscaled.

    `shape` is theirs; `cond` is of one clip, on the device that samples.
    """
    device = cond.latent.device
    sigmas = make_sigmas("align-your-steps", steps, SIGMA_MAX, SIGMA_MIN).to(device)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
    x = noise[None] * sigmas[0]
    nothing = cond.dropped(torch.zeros(1, device=device))

    def x0(x: Tensor, sigma: Tensor) -> Tensor:
        def of(told: ClipConditioning) -> Tensor:
            return denoised(x, sigma, denoiser(x, sigma.expand(1), told))[0]

        found = of(cond)
        return guidance.combine(found, of(nothing)) if guidance.needs_uncond else found

    for sigma, lower in pairwise(sigmas):
        slope = (x - x0(x, sigma)) / sigma
        x = x + slope * (lower - sigma)
    return x[0] / LATENT_SCALE
