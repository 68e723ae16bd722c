"""Frames that can be written, and the whole numbers that files hold them as."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def checked_frame(frame: Tensor, name: str) -> Tensor:
    """`frame` itself; raises ValueError unless it is (H, W, 3 or 4) of floats without NaN.

    `name` says which frame it is, for the message.
    """
    if frame.ndim != 3 or frame.shape[-1] not in (3, 4) or not frame.is_floating_point():
        raise ValueError(
            f"expected frames (height, width, 3 or 4) of floats in 0..1, got "
            f"{tuple(frame.shape)} of {frame.dtype} for {name}: convert to RGB or RGBA"
        )
    height, width, _ = frame.shape
    if min(height, width) < 1:
        raise ValueError(
            f"expected pixels, got {width}x{height} of them for {name}: check its size"
        )
    if frame.isnan().any():
        raise ValueError(
            f"expected numbers in 0..1, got NaN for {name}: the step that made this frame "
            "overflowed, so run it at a higher precision"
        )
    return frame


def codes(frame: Tensor, bits: int) -> np.ndarray:
    """`frame` (H, W, C) clamped to 0..1 and rounded once -> uint8 for 8 bits, uint16 for 16."""
    scaled = frame.detach().float().clamp(0, 1).mul(2**bits - 1).round_()
    return scaled.cpu().numpy().astype(np.uint8 if bits == 8 else np.uint16)


def over_black(frame: Tensor) -> Tensor:
    """(H, W, 3) as it is; (H, W, 4) with straight alpha -> (H, W, 3) laid over black."""
    return frame if frame.shape[-1] == 3 else frame[..., :3] * frame[..., 3:]
