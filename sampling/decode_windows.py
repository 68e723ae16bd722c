"""From latents to frames with the temporal decoder: whole, or in windows that overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Decode = Callable[[Tensor], Tensor]
# Activation peak of the published decoder for every pixel of a frame, in elements of its dtype:
# 24.6 GiB for 25 frames of 576x1024 in fp16.
ELEMENTS_PER_PIXEL = 896


@dataclass(frozen=True)
class Window:
    """Frames `start` to `stop`, of which the first `fade` are shared with the window before."""

    start: int
    stop: int
    fade: int


def plan_windows(num_frames: int, window: int, overlap: int) -> list[Window]:
    """Cover `num_frames` with windows of `window` frames that share at least `overlap`.

    One window when it fits. Otherwise the windows are spread evenly, so that no window is short:
    a temporal decoder sees only zeros beyond its ends.
    """
    if window >= num_frames:
        return [Window(0, num_frames, 0)]
    overlap = min(overlap, window - 1)
    count = -(-(num_frames - overlap) // (window - overlap))
    starts = [round(i * (num_frames - window) / (count - 1)) for i in range(count)]
    before = [0, *(start + window for start in starts)]
    return [
        Window(start, start + window, max(0, end - start))
        for start, end in zip(starts, before, strict=False)
    ]


def decode_bytes(num_frames: int, height: int, width: int, element_size: int) -> int:
    """Memory that decoding `num_frames` of height x width pixels at once needs beside weights."""
    return ELEMENTS_PER_PIXEL * element_size * height * width * num_frames


def decode_windows(latents: Tensor, decode: Decode, windows: list[Window]) -> Iterator[Tensor]:
    """Yield finished frames (n, H, W, 3) in order, cross-fading where windows overlap.

    `latents` (T, 4, h, w); `decode` maps (n, 4, h, w) to (n, H, W, 3).
    """
    tail: Tensor | None = None
    for index, window in enumerate(windows):
        frames = decode(latents[window.start : window.stop])
        if tail is not None and window.fade:
            weight = torch.linspace(0, 1, window.fade + 2, device=frames.device)[1:-1]
            weight = weight.to(frames.dtype).reshape(-1, 1, 1, 1)
            frames[: window.fade] = torch.lerp(tail, frames[: window.fade], weight)
        keep = windows[index + 1].fade if index + 1 < len(windows) else 0
        yield frames[: len(frames) - keep]
        tail = frames[len(frames) - keep :]
