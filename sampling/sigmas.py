"""Noise schedules over any range of sigma: `steps` falling values and a closing zero."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

# Sabour et al. 2024, "Align Your Steps", the published table for Stable Video Diffusion.
ALIGN_YOUR_STEPS = (
    *(700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
)


def karras(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Karras et al. (2022), equation 5."""
    ramp = torch.linspace(0, 1, steps)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return (high + ramp * (low - high)) ** rho


def exponential(steps: int, sigma_min: float, sigma_max: float) -> Tensor:
    """Evenly spaced in log sigma."""
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), steps).exp()


def align_your_steps(steps: int, sigma_min: float, sigma_max: float) -> Tensor:
    """The published table, resampled log-linearly to `steps` values between the two ends.

    Over the whole range this is what core's AlignYourStepsScheduler gives.
    """
    table = torch.tensor(ALIGN_YOUR_STEPS, dtype=torch.float64).log()
    positions = torch.arange(len(table), dtype=torch.float64)
    first = _interpolate(math.log(sigma_max), -table, positions, sign=-1)
    last = _interpolate(math.log(sigma_min), -table, positions, sign=-1)
    wanted = torch.linspace(first, last, steps + 1, dtype=torch.float64)[:-1]
    index = wanted.floor().long().clamp(0, len(table) - 2)
    share = wanted - index
    return torch.exp(table[index] * (1 - share) + table[index + 1] * share).float()


def _interpolate(value: float, xs: Tensor, ys: Tensor, sign: int) -> float:
    """Linear interpolation of `ys` at `sign * value` over rising `xs`, clamped to its ends."""
    x = sign * value
    index = int(torch.searchsorted(xs, torch.tensor(x, dtype=xs.dtype)).clamp(1, len(xs) - 1))
    share = (x - float(xs[index - 1])) / float(xs[index] - xs[index - 1])
    share = min(1.0, max(0.0, share))
    return float(ys[index - 1] * (1 - share) + ys[index] * share)


SCHEDULES: dict[str, Callable[[int, float, float], Tensor]] = {
    "karras": karras,
    "align-your-steps": align_your_steps,
    "exponential": exponential,
}


def make_sigmas(schedule: str, steps: int, start: float, end: float, last: bool = True) -> Tensor:
    """`steps` values from `start` down towards `end`, then zero (`steps` + 1 numbers).

    Without `last`, `end` itself closes in place of zero. Raises ValueError for fewer than one step
    or a range that does not fall.
    """
    if steps < 1:
        raise ValueError(f"{steps} steps asked for: sampling needs at least 1.")
    if not start > end > 0:
        raise ValueError(
            f"Start sigma {start:g} must be above end sigma {end:g}, and both above 0: "
            "noise can only be taken away."
        )
    sigmas = SCHEDULES[schedule](steps, end, start)
    if not last and schedule != "align-your-steps":
        # the others reach `end` by themselves, and a step from `end` to `end` would be wasted
        sigmas = SCHEDULES[schedule](steps + 1, end, start)[:-1]
    return torch.cat([sigmas, sigmas.new_zeros(1) if last else sigmas.new_tensor([end])])
