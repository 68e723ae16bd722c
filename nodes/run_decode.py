"""The decode on core's devices: how much fits, progress, cancel, and a retry with less."""

from __future__ import annotations

import logging

import comfy.model_management as management
import comfy.utils
import torch
from comfy.sd import VAE
from torch import Tensor

from ..sampling.decode import decode_bytes, decode_windows, plan_windows

log = logging.getLogger(__name__)

OVERLAP = 6  # influence falls below a tenth of its peak within five or six frames
SAFE_SHARE = 0.8  # of the memory that is free
LEAST_WINDOW = 4


def decode_film(vae: VAE, latents: Tensor) -> Tensor:
    """Latents (T, 4, h, w) to frames (T, H, W, 3) in 0..1.

    Raises RuntimeError when not even the smallest window fits.
    """
    decoder = getattr(vae.first_stage_model, "decoder", None)
    if not hasattr(decoder, "time_mode"):
        return vae.decode(latents)  # an image decoder: frames are independent
    window = _window_that_fits(vae, latents)
    while True:
        frames = _try_decode(vae, latents, window)
        if frames is not None:
            return frames
        if window <= LEAST_WINDOW:
            raise RuntimeError(_too_large(latents))
        window = max(LEAST_WINDOW, min(window, len(latents)) // 2)
        log.warning("SVD Decode ran out of memory: again with windows of %d frames", window)
        management.soft_empty_cache()


def _window_that_fits(vae: VAE, latents: Tensor) -> int:
    frames, _, h, w = latents.shape
    one_frame = decode_bytes(1, h * 8, w * 8, vae.vae_dtype.itemsize)
    management.load_models_gpu([vae.patcher], memory_required=one_frame * frames)
    # With dynamic memory (0.12 and newer) the patcher knows what it could give back.
    free = getattr(vae.patcher, "get_free_memory", management.get_free_memory)(vae.device)
    return max(LEAST_WINDOW, int(free * SAFE_SHARE / one_frame))


def _try_decode(vae: VAE, latents: Tensor, window: int) -> Tensor | None:
    """The frames, or None when memory ran out; leaves nothing of the attempt behind."""
    windows = plan_windows(len(latents), window, OVERLAP)
    progress = comfy.utils.ProgressBar(len(windows))

    def decode(z: Tensor) -> Tensor:
        management.throw_exception_if_processing_interrupted()
        pixels = vae.first_stage_model.decode(z.to(vae.vae_dtype).to(vae.device))
        progress.update(1)
        return vae.process_output(pixels.to(vae.output_device).float()).movedim(1, -1)

    try:
        return torch.cat(list(decode_windows(latents, decode, windows)))
    except management.OOM_EXCEPTION:
        return None


def _too_large(latents: Tensor) -> str:
    _, _, h, w = latents.shape
    return (
        f"Not enough memory to decode {LEAST_WINDOW} frames of {w * 8}x{h * 8} at once: close "
        "other programs, choose a smaller size, or start ComfyUI with --cpu-vae."
    )
