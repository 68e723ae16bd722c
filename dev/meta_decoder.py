"""The temporal decoder on the meta device: its allocations without its arithmetic."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from svd_studio.dev.live_peak import LivePeak, linear_attention
from svd_studio.models.architecture import VAEArchitecture
from svd_studio.models.loader import build_vae
from svd_studio.sampling.decode import decode_exact
from svd_studio.sampling.decode_pieces import Pieces
from svd_studio.sampling.parking import Parking, Place
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

META = torch.device("meta")
EVERYTHING = 2**50  # bytes


def meta_decoder(channels: int = 128, dtype: torch.dtype = torch.float16) -> nn.Module:
    """Its attention takes no memory beside its result."""
    with linear_attention(), META:
        return build_vae(VAEArchitecture(channels)).to(dtype).decoder


def whole_peak(decoder: nn.Module, shape: tuple[int, ...]) -> int:
    """Peak bytes of core's decode of latents (T, 4, h, w) in one piece."""
    latents = torch.empty(shape, dtype=next(decoder.parameters()).dtype, device=META)
    with torch.inference_mode(), LivePeak("meta") as live:
        decoder(latents)
    return live.peak


def exact_peak(
    decoder: nn.Module,
    shape: tuple[int, ...],
    folder: Path,
    device_room: int = 0,
    frame_limit: float = math.inf,
    halves: bool = False,
) -> tuple[int, dict[Place, int]]:
    """Peak bytes of the exact decode on its device, and how many waited where.

    `halves`: half-way results are kept on the device as well.
    """
    dtype = next(decoder.parameters()).dtype
    parking = Parking(META, device_room, EVERYTHING, folder, _off_device)
    latents = torch.empty(shape, dtype=dtype, device=META)
    with torch.inference_mode(), META, LivePeak("meta") as live:
        pieces = Pieces(parking, frame_limit=frame_limit, keeps_halves=halves)
        for _ in decode_exact(decoder, latents, pieces):
            pass
    return live.peak, parking.peak


def _off_device(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Stands for host memory, where the counter does not look."""
    with _disable_current_modes():
        return torch.empty(shape, dtype=dtype, device=META)
