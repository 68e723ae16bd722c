"""The decode on core's devices: the memory it may take, progress, cancel, and the report of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
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

CONV_ONLY = "conv-only"  # core's name for the decoder of SVD
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
        longer, around = _looking_around(latents)
        frames, report = decode_film(vae, longer, replace(settings, circular=False))
        return frames[around:-around], f"a loop, {around} frames more at each end: {report}"
    mode = _time_mode(vae)
    started = time.monotonic()
    if mode is None:  # frames are independent
        frames, lines = vae.decode(latents), ["image decoder: every frame by itself"]
    elif mode == CONV_ONLY and settings.mode is DecodeMode.EXACT:
        pulled = _exact_frames(vae, latents, settings.memory_gib * GIBI)
        frames, lines = _collect(vae, latents, pulled)
    else:
        frames, lines = decode_in_windows(vae, latents, settings.memory_gib * GIBI)
    count, height, width, _ = frames.shape
    size = f"{count} frames of {width}x{height}"
    return frames, "\n".join([size, *lines, f"{time.monotonic() - started:.1f} s"])


def stream_film(vae: VAE, latents: Tensor, circular: bool = False) -> Iterator[Tensor]:
    """The frames that `decode_film` makes, (H, W, 3) in 0..1, one after the other and never a film.

    A decoder of windows, which SVD's is not, makes the film first. Raises as `decode_film` does.
    """
    if circular:
        longer, around = _looking_around(latents)
        with closing(stream_film(vae, longer)) as frames:
            yield from islice(frames, around, around + len(latents))
        return
    mode = _time_mode(vae)
    if mode == CONV_ONLY:
        for frames in _exact_frames(vae, latents, cap=0):
            yield from frames
    elif mode is None:
        for latent in latents.split(1):
            management.throw_exception_if_processing_interrupted()
            yield from vae.decode(latent)
    else:
        yield from decode_in_windows(vae, latents, cap=0)[0]


def _looking_around(latents: Tensor) -> tuple[Tensor, int]:
    """A loop with frames more at each end, and how many these are."""
    around = min(LOOK_AROUND, len(latents))
    return torch.cat([latents[-around:], latents, latents[:around]]), around


def _time_mode(vae: VAE) -> str | None:
    """How the decoder sees other frames; None for a decoder of pictures."""
    return getattr(getattr(vae.first_stage_model, "decoder", None), "time_mode", None)


def _exact_frames(vae: VAE, latents: Tensor, cap: float) -> Generator[Tensor, None, list[str]]:
    """Frames (n, H, W, 3) on core's device for pictures; returns lines for a report."""
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
    try:
        with PeakMemory(vae.device) as memory:
            z = latents.to(vae.vae_dtype)
            for frames in decode_exact(vae.first_stage_model.decoder, z, pieces):
                pixels = vae.process_output(frames.to(vae.output_device).float())
                yield pixels.movedim(1, -1)
    finally:
        give_back_pinned()
    return _describe(pieces, plan, budget, memory.peak)


def _collect(
    vae: VAE, latents: Tensor, pulled: Generator[Tensor, None, list[str]]
) -> tuple[Tensor, list[str]]:
    """All frames, and what the generator returns."""
    count, _, h, w = latents.shape
    images, done = torch.empty(count, h * 8, w * 8, 3, device=vae.output_device), 0
    while True:
        try:
            frames = next(pulled)
        except StopIteration as end:
            return images, end.value
        images[done : done + len(frames)] = frames
        done += len(frames)


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
