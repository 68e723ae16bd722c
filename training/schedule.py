"""Fit a noise schedule to a model: where a few steps come nearest to the film that many make.

Least squares over whole films, as in Tong et al. 2024 ("Learning to Discretize Denoising Diffusion
ODEs"), but by Gauss-Newton on finite differences and not by back-propagation: a schedule has ten
numbers, so that eleven films show every direction, and the sampler stays whatever it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import Tensor

Residuals = Callable[[Tensor], np.ndarray]  # sigmas (n + 1,) -> what all films are off, in a row
STEP = 0.06  # of a finite difference: a gap in log sigma that much wider
FURTHEST = 1.5  # gaps may become this many e-folds narrower or wider than at the beginning


@dataclass(frozen=True)
class FittedSchedule:
    """`sigmas` (n + 1,) from start to zero; what films are off (RMS) before and after."""

    sigmas: Tensor
    before: float
    after: float


def fit_schedule(residuals: Residuals, start: Tensor, rounds: int) -> FittedSchedule:
    """Move the sigmas of `start` (n + 1,), n >= 3, which fall to zero; the first one stays.

    `rounds`: derivatives that are taken, each for n - 1 calls of `residuals`. Never worse than
    `start`. Raises ValueError for sigmas that do not fall to zero.
    """
    if len(start) < 4 or start[-1] != 0 or not bool((start.diff() < 0).all()):
        raise ValueError(f"{start.tolist()} is no schedule: give 4 or more sigmas that fall to 0.")
    first = float(start[0])
    gaps = log_gaps(start)

    def off(gaps: np.ndarray) -> np.ndarray:
        return residuals(from_log_gaps(first, gaps))

    def derivative(gaps: np.ndarray) -> np.ndarray:
        here = off(gaps)
        steps = np.eye(len(gaps)) * STEP
        return np.stack([(off(gaps + step) - here) / STEP for step in steps], axis=1)

    found = least_squares(
        off, gaps, derivative, (gaps - FURTHEST, gaps + FURTHEST), max_nfev=rounds
    )
    size = np.sqrt(found.fun.size)
    before = float(np.linalg.norm(off(gaps)) / size)
    return FittedSchedule(
        from_log_gaps(first, found.x), before, float(np.linalg.norm(found.fun) / size)
    )


def log_gaps(sigmas: Tensor) -> np.ndarray:
    """Logarithms of the gaps in log sigma above the last step, which goes to zero: free numbers."""
    return np.log(-np.diff(np.log(sigmas[:-1].double().numpy())))


def from_log_gaps(first: float, gaps: np.ndarray) -> Tensor:
    """The inverse of `log_gaps`."""
    falling = np.log(first) - np.concatenate([[0.0], np.cumsum(np.exp(gaps))])
    return torch.from_numpy(np.append(np.exp(falling), 0.0)).float()
