"""CIE L*a*b* of sRGB pictures, under D65."""

from __future__ import annotations

import torch
from torch import Tensor

# IEC 61966-2-1, and its white as the sum of each row.
TO_XYZ = (
    (0.4124, 0.3576, 0.1805),
    (0.2126, 0.7152, 0.0722),
    (0.0193, 0.1192, 0.9505),
)
KNEE = 6 / 29  # below its cube the root is a line (CIE 15:2004)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """(..., 3) sRGB in 0..1 -> L in 0..100 and a, b around 0."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055).clamp(min=0) / 1.055) ** 2.4)
    matrix = rgb.new_tensor(TO_XYZ)
    xyz = linear @ matrix.T / matrix.sum(1)
    root = torch.where(
        xyz > KNEE**3, xyz.clamp(min=KNEE**3) ** (1 / 3), xyz / (3 * KNEE**2) + 4 / 29
    )
    x, y, z = root.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """The inverse; colours that sRGB lacks come out beyond 0..1."""
    lightness, a, b = lab.unbind(-1)
    y = (lightness + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], dim=-1)
    xyz = torch.where(root > KNEE, root**3, 3 * KNEE**2 * (root - 4 / 29))
    matrix = lab.new_tensor(TO_XYZ)
    linear = (xyz * matrix.sum(1)) @ torch.linalg.inv(matrix).T
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curved)
