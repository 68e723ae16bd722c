"""The decode in windows on core's devices: how many frames fit, and a retry with fewer."""

from __future__ import annotations

import logging

import comfy.model_management as management
import comfy.utils
import torch
from comfy.sd import VAE
from torch import Tensor

from ..models.patches.device_memory import free_on_device, is_oom
from ..sampling.decode_windows import decode_bytes, decode_windows, plan_windows
from ..sampling.ladder import NotEnoughMemoryError

log = logging.getLogger(__name__)

OVERLAP = 6  # influence falls below a tenth of its peak within five or six frames
LEAST_WINDOW = 4


def decode_in_windows(vae: VAE, latents: Tensor, cap: float) -> tuple[Tensor, list[str]]:
    """Frames (T, H, W, 3) in 0..1, and lines for a report; `cap` in bytes, 0 for none.

    Raises NotEnoughMemoryError when not even the smallest window fits.
    """
    window = _window_that_fits(vae, latents, cap)
    retries = 0
    while True:
        frames = _try_decode(vae, latents, window)
        if frames is not None:
            break
        if window <= LEAST_WINDOW:
            raise NotEnoughMemoryError(_too_large(latents))
        window = max(LEAST_WINDOW, min(window, len(latents)) // 2)
        retries += 1
        log.warning("SVD Decode ran out of memory: again with windows of %d frames", window)
        management.soft_empty_cache()
    plan = plan_windows(len(latents), window, OVERLAP)
    lines = [f"windowed: {len(plan)} of {min(window, len(latents))} frames, cross-faded"]
    return frames, [*lines, f"memory ran out {retries} times"] if retries else lines


def _window_that_fits(vae: VAE, latents: Tensor, cap: float) -> int:
    frames, _, h, w = latents.shape
    one_frame = decode_bytes(1, h * 8, w * 8, vae.vae_dtype.itemsize)
    need = one_frame * frames
    management.load_models_gpu([vae.patcher], memory_required=min(need, cap or need))
    return max(LEAST_WINDOW, int((cap or free_on_device(vae.patcher)) / one_frame))


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
    except RuntimeError as error:
        if not is_oom(error):
            raise
        return None


def _too_large(latents: Tensor) -> str:
    _, _, h, w = latents.shape
    return (
        f"Not enough memory to decode {LEAST_WINDOW} frames of {w * 8}x{h * 8} at once: choose the "
        "exact mode, which needs much less, or a smaller size, or close other programs."
    )
