"""Frame rate, motion bucket and augmentation level as SVD is told them."""

from __future__ import annotations

import torch
from torch import Tensor


def vector_conditioning(fps_id: float, motion_bucket_id: float, cond_aug: float) -> Tensor:
    """Three sinusoidal embeddings of 256 numbers, (768,): cosines first, as SVD has them."""
    half = 128
    frequencies = torch.exp(-torch.arange(half) * (torch.log(torch.tensor(10000.0)) / half))
    angles = torch.tensor([fps_id, motion_bucket_id, cond_aug])[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1).flatten()
