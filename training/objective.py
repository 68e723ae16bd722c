"""The EDM objective for SVD's preconditioning (Karras et al. 2022, sigma_data = 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SIGMA_MIN, SIGMA_MAX = 0.002, 700.0


@dataclass(frozen=True)
class SigmaDistribution:
    """A log-normal, with shares drawn log-uniformly from bands that it visits too rarely.

    The middle band is where an unguided sample chooses its direction; the top one teaches the
    first steps of a schedule that starts at 700.
    """

    log_mean: float = 0.4
    log_std: float = 1.4
    middle: tuple[float, float] = (2.0, 60.0)
    middle_share: float = 0.45
    top: tuple[float, float] = (60.0, SIGMA_MAX)
    top_share: float = 0.07

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` sigmas in SIGMA_MIN..SIGMA_MAX."""
        normal = torch.randn(count, generator=generator)
        uniform = torch.rand(count, generator=generator)
        choice = torch.rand(count, generator=generator)
        sigma = torch.exp(self.log_mean + self.log_std * normal)
        sigma = torch.where(choice < self.middle_share, _log_uniform(uniform, self.middle), sigma)
        sigma = torch.where(choice > 1 - self.top_share, _log_uniform(uniform, self.top), sigma)
        return sigma.clamp(SIGMA_MIN, SIGMA_MAX)


def _log_uniform(uniform: Tensor, band: tuple[float, float]) -> Tensor:
    low, high = map(math.log, band)
    return torch.exp(low + uniform * (high - low))


def network_input(x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """c_in * x and c_noise = ln(sigma) / 4; `sigma` broadcasts over `x` and keeps its shape."""
    return x / (sigma**2 + 1).sqrt(), 0.25 * sigma.log()


def denoised(x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
    """x0 from the network's output: c_skip * x + c_out * output."""
    return x / (sigma**2 + 1) - output * sigma / (sigma**2 + 1).sqrt()


def v_target(x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The output that gives exactly `x0`. Its plain squared error is EDM's weighted loss."""
    return (noise - sigma * x0) / (sigma**2 + 1).sqrt()
