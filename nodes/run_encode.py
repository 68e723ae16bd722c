"""The encode on core's devices: progress, cancel, and fewer frames when memory runs out."""

from __future__ import annotations

import comfy.model_management as management
import comfy.utils
from comfy.sd import VAE
from torch import Tensor

from ..models.patches.device_memory import is_oom
from ..sampling.encode import encode_frames


def encode_film(vae: VAE, frames: Tensor) -> Tensor:
    """Frames (T, H, W, 3) in 0..1 to latents (T, 4, h, w), as core's `vae.encode` gives them.

    Sizes that are no multiple of 8 are cropped at the edges, as core does.
    """
    frames = vae.vae_encode_crop_pixels(frames[..., :3])
    progress = comfy.utils.ProgressBar(len(frames))
    one_frame = (1, 3, *frames.shape[1:3])
    need = vae.memory_used_encode(one_frame, vae.vae_dtype)
    management.load_models_gpu([vae.patcher], memory_required=need)

    def encode(part: Tensor) -> Tensor:
        management.throw_exception_if_processing_interrupted()
        pixels = vae.process_input(part.movedim(-1, 1)).to(vae.vae_dtype).to(vae.device)
        latents = vae.first_stage_model.encode(pixels)
        progress.update(len(part))
        return latents.to(vae.output_device).float()

    return encode_frames(encode, frames, is_oom, management.soft_empty_cache)
