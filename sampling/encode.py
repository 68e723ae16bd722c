"""From frames to latents: every frame by itself, so that only time depends on the memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .ladder import NotEnoughMemoryError, climb_down

PIXELS = 2**18  # of the frames that are encoded together, whatever the memory


def encode_frames(
    encode: Callable[[Tensor], Tensor],
    frames: Tensor,
    is_oom: Callable[[Exception], bool],
    step_down: Callable[[], None],
) -> Tensor:
    """Latents (T, 4, h, w) of frames (T, H, W, 3) in 0..1.

    `encode` maps (n, H, W, 3) to (n, 4, h, w). When memory runs out, `step_down` is called and
    half as many go together. Raises NotEnoughMemoryError when one alone does not fit.
    """
    _, height, width, _ = frames.shape
    count = max(1, PIXELS // (height * width))
    done: list[Tensor] = []

    def fewer() -> bool:
        nonlocal count
        if count == 1:
            raise NotEnoughMemoryError(
                f"Not enough memory to encode one frame of {width}x{height}: close other programs, "
                "choose a smaller size, or start ComfyUI with --cpu-vae."
            )
        count //= 2
        step_down()
        return True

    start = 0
    while start < len(frames):
        latents = climb_down(lambda s=start: encode(frames[s : s + count]), fewer, is_oom)
        done.append(latents)
        start += len(latents)
    return torch.cat(done)
