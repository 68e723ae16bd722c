"""The bell curve that blurs."""

from __future__ import annotations

import math

import torch
from torch import Tensor

REACH = 3.0  # standard deviations


def gaussian(sigma: float) -> Tensor:
    """(2 * n + 1,) weights that sum to 1; a single one for `sigma` 0."""
    if sigma < 0.05:
        return torch.ones(1)
    reach = math.ceil(REACH * sigma)
    weights = torch.exp(-((torch.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    return weights / weights.sum()
