"""The one place where nodes pull frames: progress, time left, cancel, and frames that are none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import comfy.model_management as management
import comfy.utils
import torch
from torch import Tensor

from ..video.stream import FrameStream
from .report import show

BETWEEN_TEXTS = 0.5  # seconds


def pull(stream: FrameStream, start: int = 0, node_id: str | None = None) -> Iterator[Tensor]:
    """The stream's frames from number `start` on, while the node shows how far it is.

    A cancelled run ends within a frame. However it ends, the stream's generators are closed, and
    with them their threads. Raises ValueError for a frame that is not all numbers, or when the
    stream ends early, both by number.
    """
    count = stream.clip.count
    bar = comfy.utils.ProgressBar(count, node_id)
    told = _Told(start, count, node_id, time.monotonic())
    frames, number = stream.frames(start), start
    try:
        management.throw_exception_if_processing_interrupted()
        for frame in frames:
            management.throw_exception_if_processing_interrupted()
            yield _checked(frame, number)
            del frame  # or it would stay until the next one is there
            number += 1
            bar.update_absolute(number)
            told.tell(number)
    finally:
        close = getattr(frames, "close", None)
        if close:
            close()
    if number < count:
        raise ValueError(f"The film ends after {number} of its {count} frames: its source changed.")


@dataclass
class _Told:
    """What was said about a pull, and when."""

    start: int
    count: int
    node_id: str | None
    began: float
    last: float = 0.0

    def tell(self, number: int) -> None:
        """How far frame `number` is, at most twice a second, and the last one always."""
        now = time.monotonic()
        if now - self.last < BETWEEN_TEXTS and number < self.count:
            return
        self.last = now
        rate = (number - self.start) / max(now - self.began, 1e-9)
        text = f"frame {number} of {self.count}, {rate:.3g} fps"
        if number < self.count:
            text += f", {clock((self.count - number) / rate)} left"
        show(text, self.node_id)


def clock(seconds: float) -> str:
    """As 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _checked(frame: Tensor, number: int) -> Tensor:
    # NaN and infinities survive a sum, which is cheaper to look at.
    if not torch.isfinite(frame.sum(dtype=torch.float32)) and not frame.isfinite().all():
        raise ValueError(
            f"Frame {number} (counted from 0) has values that are no numbers (NaN or infinite): a "
            "step before overflowed; run it at a higher precision."
        )
    return frame
