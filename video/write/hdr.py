"""SDR pictures inside an HDR film: they look as they did, on a display that could do more.

ITU-R BT.2408, display-referred mapping: sRGB values become the light of a display whose white is
203 cd/m2 (the reference white of HDR), its colours are said in BT.2020 primaries, and the light is
encoded with PQ or HLG. Nothing gets brighter than the reference white.
"""

from __future__ import annotations

import torch
from torch import Tensor

REFERENCE_WHITE = 203.0  # cd/m2, BT.2408 table 1

# BT.2087: linear BT.709 RGB to linear BT.2020 RGB.
BT709_TO_BT2020 = (
    (0.6274, 0.3293, 0.0433),
    (0.0691, 0.9195, 0.0114),
    (0.0164, 0.0880, 0.8956),
)

# SMPTE ST 2084.
PQ_PEAK = 10_000.0
M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

# ITU-R BT.2100, table 5: a display of 1000 cd/m2 in a dim room.
HLG_PEAK, HLG_GAMMA = 1000.0, 1.2
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
BT2020_LUMA = (0.2627, 0.6780, 0.0593)


def to_pq(rgb: Tensor) -> Tensor:
    """sRGB (..., 3) in 0..1 to PQ-encoded BT.2020 RGB in 0..1; white becomes 0.58."""
    light = (_display_light(rgb) / PQ_PEAK).pow(M1)
    return ((C1 + C2 * light) / (1 + C3 * light)).pow(M2)


def to_hlg(rgb: Tensor) -> Tensor:
    """sRGB (..., 3) in 0..1 to HLG-encoded BT.2020 RGB in 0..1; white becomes 0.75."""
    display = _display_light(rgb) / HLG_PEAK
    luminance = sum(weight * display[..., i] for i, weight in enumerate(BT2020_LUMA))
    # The inverse of HLG's OOTF: from the light of the display to the light of the scene.
    gain = luminance.clamp_min(1e-12).pow((1 - HLG_GAMMA) / HLG_GAMMA)
    scene = display * gain[..., None]
    return torch.where(
        scene <= 1 / 12,
        (3 * scene).clamp_min(0).sqrt(),
        HLG_A * (12 * scene - HLG_B).clamp_min(1e-12).log() + HLG_C,
    )


def _display_light(rgb: Tensor) -> Tensor:
    """cd/m2 of each BT.2020 primary."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).pow(2.4))
    rows = [sum(weight * linear[..., i] for i, weight in enumerate(row)) for row in BT709_TO_BT2020]
    return torch.stack(rows, dim=-1) * REFERENCE_WHITE
