"""Whether a frame is what was said of it."""

from __future__ import annotations

import torch
from torch import Tensor


def checked(
    picture: Tensor, number: int, size: tuple[int, ...] | torch.Size, channels: int = 3
) -> Tensor:
    """`picture` itself, if it is a frame of `size` (height, width) and holds numbers only.

    `number` counts from 0, as ComfyUI's image batches do.
    """
    shape = tuple(picture.shape)
    if picture.ndim != 3 or shape[-1] != channels or not picture.is_floating_point():
        raise ValueError(
            f"expected frames (height, width, {channels}) of floats in 0..1, got {shape} of "
            f"{picture.dtype} at frame {number}"
            + (": convert to RGB without alpha" if channels == 3 else ": keep the alpha of all")
        )
    if shape[:2] != tuple(size):
        raise ValueError(
            f"expected every frame to be {size[1]}x{size[0]} like the first, got "
            f"{shape[1]}x{shape[0]} at frame {number}: scale all frames to one size first"
        )
    # A sum tells in one pass that all is well; where it does not, a closer look follows.
    if not picture.sum().isfinite() and picture.isnan().any():
        raise ValueError(
            f"expected numbers in 0..1, got NaN in frame {number} (counted from 0): the step that "
            "made this frame overflowed, so run it at a higher precision"
        )
    return picture
