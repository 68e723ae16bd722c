"""The decode on core's devices: the memory it may take, progress, cancel, and the report of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import comfy.model_management as management
import comfy.utils
import folder_paths
import psutil
import torch
from comfy.sd import VAE
from torch import Tensor

from ..models.patches.device_memory import SAFE_SHARE, free_on_device, is_oom
from ..sampling.decode import count_pieces, decode_exact
from ..sampling.decode_memory import DecodePlan, least_bytes, peak_bytes, plan_decode
from ..sampling.decode_pieces import Pieces
from ..sampling.decode_stages import decoder_stages
from ..sampling.ladder import NotEnoughMemoryError
from ..sampling.memory import GIBI
from ..sampling.parking import Parking
from ..sampling.peak import PeakMemory
from ..sampling.pinned import give_back_pinned
from .decode_in_windows import decode_in_windows

LOOK_AROUND = 4  # frames; further off the decoder hardly sees


class DecodeMode(Enum):
    EXACT = "exact"
    WINDOWED = "windowed"


@dataclass(frozen=True)
class DecodeSettings:
    """The widgets of SVD Decode; `memory_gib` 0 is what is free.

    A `circular` film is a loop: the decoder, which looks at neighbours, looks around its ends.
    """

    mode: DecodeMode = DecodeMode.EXACT
    memory_gib: float = 0.0
    circular: bool = False


def decode_film(
    vae: VAE, latents: Tensor, settings: DecodeSettings | None = None
) -> tuple[Tensor, str]:
    """Latents (T, 4, h, w) to frames (T, H, W, 3) in 0..1, and a report.

    Raises NotEnoughMemoryError when not even the smallest way fits.
    """
    settings = settings or DecodeSettings()
    if settings.circular:
        around = min(LOOK_AROUND, len(latents))
        longer = torch.cat([latents[-around:], latents, latents[:around]])
        frames, report = decode_film(vae, longer, replace(settings, circular=False))
        return frames[around:-around], f"a loop, {around} frames more at each end: {report}"
    mode = getattr(getattr(vae.first_stage_model, "decoder", None), "time_mode", None)
    started = time.monotonic()
    if mode is None:  # frames are independent
        frames, lines = vae.decode(latents), ["image decoder: every frame by itself"]
    elif mode == "conv-only" and settings.mode is DecodeMode.EXACT:
        frames, lines = _decode_exactly(vae, latents, settings.memory_gib * GIBI)
    else:
        frames, lines = decode_in_windows(vae, latents, settings.memory_gib * GIBI)
    count, height, width, _ = frames.shape
    size = f"{count} frames of {width}x{height}"
    return frames, "\n".join([size, *lines, f"{time.monotonic() - started:.1f} s"])


def _decode_exactly(vae: VAE, latents: Tensor, cap: float) -> tuple[Tensor, list[str]]:
    stages = decoder_stages(vae.first_stage_model.decoder)
    shape, itemsize = tuple(latents.shape), vae.vae_dtype.itemsize
    least = least_bytes(stages, shape, itemsize)
    if cap and cap < least:
        raise NotEnoughMemoryError(_too_large(shape, least, cap))
    need = peak_bytes(stages, shape, itemsize, away=True)
    management.load_models_gpu([vae.patcher], memory_required=min(need, cap or need))
    budget = cap or max(least, free_on_device(vae.patcher))
    plan = plan_decode(stages, shape, itemsize, int(budget))
    pieces = _pieces(vae, plan, _too_large(shape, least, budget), count_pieces(stages, shape))
    with PeakMemory(vae.device) as memory:
        frames = _collect(vae, latents, pieces)
    return frames, _describe(pieces, plan, budget, memory.peak)


def _collect(vae: VAE, latents: Tensor, pieces: Pieces) -> Tensor:
    """All frames, on core's device for pictures."""
    count, _, h, w = latents.shape
    images = torch.empty(count, h * 8, w * 8, 3, device=vae.output_device)
    try:
        z, done = latents.to(vae.vae_dtype), 0
        for frames in decode_exact(vae.first_stage_model.decoder, z, pieces):
            pixels = vae.process_output(frames.to(vae.output_device).float())
            images[done : done + len(frames)] = pixels.movedim(1, -1)
            done += len(frames)
    finally:
        give_back_pinned()
    return images


def _pieces(vae: VAE, plan: DecodePlan, too_large: str, count: int) -> Pieces:
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    # Where the CPU decodes, the device is the host: what does not fit there goes into a file.
    on_cpu = management.is_device_cpu(vae.device)
    host_room = 0 if on_cpu else int(psutil.virtual_memory().available * SAFE_SHARE)
    return Pieces(
        Parking(vae.device, plan.device_room, host_room, folder),
        too_large,
        plan.frame_limit,
        plan.keeps_halves,
        between_pieces=_progress(count),
        is_oom=is_oom,
        free_cache=management.soft_empty_cache,
    )


def _progress(count: int) -> Callable[[], None]:
    bar = comfy.utils.ProgressBar(count)

    def between_pieces() -> None:
        management.throw_exception_if_processing_interrupted()
        bar.update(1)

    return between_pieces


def _describe(pieces: Pieces, plan: DecodePlan, budget: float, peak: int) -> list[str]:
    waited = [
        f"{place.value} ({held / GIBI:.2f} GiB)"
        for place, held in pieces.parking.peak.items()
        if held
    ]
    lines = [
        "exact: every frame sees the whole film",
        f"activations waited {', '.join(waited)}",
        f"estimate {plan.estimate / GIBI:.2f} GiB of {budget / GIBI:.2f} GiB, "
        f"peak {peak / GIBI:.2f} GiB",
    ]
    if pieces.retries:
        lines.append(f"memory ran out {len(pieces.retries)} times: {', '.join(pieces.retries)}")
    if pieces.was_cut:
        lines.append("frames were cut into rows: the same pixels but for rounding")
    return lines


def _too_large(shape: tuple[int, ...], least: float, budget: float) -> str:
    frames, _, h, w = shape
    return (
        f"Decoding {frames} frames of {w * 8}x{h * 8} needs {least / GIBI:.2f} GiB beside the VAE "
        f"and may take {budget / GIBI:.2f} GiB. Choose a smaller size, close other programs (or "
        "raise memory_gib), or start ComfyUI with --cpu-vae."
    )
