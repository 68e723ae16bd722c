"""Noise schedules over any range of sigma."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

# Sabour et al. 2024, "Align Your Steps", the published table for Stable Video Diffusion.
ALIGN_YOUR_STEPS = np.array(
    [700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002]
)

# Fitted to svd-mini by `studio.py fit-schedule` (training.schedule): the sigmas of so many steps, 7
# of deis and the others of dpmpp_2m, and where the last one goes to.
FITTED = tuple(
    np.array(sigmas)
    for sigmas in (
        (700.0, 3.984, 1.391, 0.1004, 0.002),
        (700.0, 7.643, 3.487, 1.326, 0.606, 0.2, 0.062, 0.002),
        (700.0, 13.01, 4.998, 3.064, 1.792, 0.94, 0.499, 0.252, 0.151, 0.034, 0.002),
    )
)


def karras(count: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Karras et al. (2022), equation 5: `count` values from `sigma_max` to `sigma_min`."""
    ramp = torch.linspace(0, 1, count)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return (high + ramp * (low - high)) ** rho


def exponential(count: int, sigma_min: float, sigma_max: float) -> Tensor:
    """`count` values evenly spaced in log sigma."""
    return torch.linspace(math.log(sigma_max), math.log(sigma_min), count).exp()


def align_your_steps(count: int, sigma_min: float, sigma_max: float) -> Tensor:
    """The part of the published table between two sigmas, resampled log-linearly to `count`."""
    return _resampled(ALIGN_YOUR_STEPS, count, sigma_min, sigma_max)


def _resampled(table: np.ndarray, count: int, sigma_min: float, sigma_max: float) -> Tensor:
    logs, places = np.log(table), np.arange(len(table))
    first, last = np.interp([-math.log(sigma_max), -math.log(sigma_min)], -logs, places)
    sigmas = np.exp(np.interp(np.linspace(first, last, count), places, logs))
    return torch.from_numpy(sigmas).float()


def svd_studio(count: int, sigma_min: float, sigma_max: float) -> Tensor:
    """The part of our own table between two sigmas, of those fitted to as many steps or nearly."""
    table = min(FITTED, key=lambda table: (abs(len(table) - count), len(table)))
    return _resampled(table, count, sigma_min, sigma_max)


SCHEDULES: dict[str, Callable[[int, float, float], Tensor]] = {
    "karras": karras,
    "align-your-steps": align_your_steps,
    "svd-studio": svd_studio,
    "exponential": exponential,
}
# Their ends are sigmas of the run that become zero.
ENDED_BY_ZERO = (align_your_steps, svd_studio)


def make_sigmas(
    schedule: str, steps: int, start: float, end: float, to_zero: bool = True
) -> Tensor:
    """The `steps` + 1 sigmas of a run from `start`, which stops at `end` or goes on to zero.

    Raises ValueError for fewer than one step or a range that does not fall.
    """
    if steps < 1:
        raise ValueError(f"{steps} steps asked for: sampling needs at least 1.")
    if not start > end > 0:
        raise ValueError(
            f"Start sigma {start:g} must be above end sigma {end:g}, and both above 0: "
            "noise can only be taken away."
        )
    make = SCHEDULES[schedule]
    if not to_zero:
        sigmas = make(steps + 1, end, start)
        sigmas[-1] = end  # to the last bit, for the sampler that takes over
        return sigmas
    ended = make in ENDED_BY_ZERO
    sigmas = make(steps + 1, end, start)[:-1] if ended else make(steps, end, start)
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def steps_within(sigmas: Tensor, start: float, end: float) -> list[int]:
    """The steps, by number, that begin at a sigma in (end, start]."""
    begins = sigmas[:-1]
    slack = 1 + 1e-5  # a schedule that starts at `start` may miss its last bit
    return ((begins > end) & (begins <= start * slack)).nonzero().flatten().tolist()
