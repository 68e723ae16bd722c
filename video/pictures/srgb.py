"""The curve between the values of a picture file and light (IEC 61966-2-1, sRGB)."""

from __future__ import annotations

import torch
from torch import Tensor

# Of the curve: where the straight piece ends, on either side, and its slope.
ENCODED_KNEE, LINEAR_KNEE, SLOPE = 0.04045, 0.0031308, 12.92
OFFSET, POWER = 0.055, 2.4


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Light for sRGB values of any shape, 1 for 1; float32 in, float32 out.

    Values above 1 go on along the curve, and those below 0 mirror it (amendment 1), so that a
    sharpened edge comes back as it was.
    """
    size = encoded.abs()
    curve = ((size + OFFSET) / (1 + OFFSET)) ** POWER
    return torch.where(size <= ENCODED_KNEE, size / SLOPE, curve).copysign(encoded)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """The inverse of `srgb_to_linear`, above 1 and below 0 too."""
    size = linear.abs()
    curve = (1 + OFFSET) * size ** (1 / POWER) - OFFSET
    return torch.where(size <= LINEAR_KNEE, size * SLOPE, curve).copysign(linear)
