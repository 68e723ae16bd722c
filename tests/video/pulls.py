"""What every step has to keep."""

from __future__ import annotations

import torch
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import FrameStream, Step


def film(count: int, height: int, width: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    """(count, height, width, channels): a soft pattern that drifts, with a little noise."""
    random = torch.Generator().manual_seed(seed)
    soft = torch.rand(1, channels, 6, 8, generator=random)
    soft = torch.nn.functional.interpolate(soft, (height + count, width + count), mode="bicubic")
    frames = [soft[0, :, n : n + height, n : n + width].movedim(0, -1) for n in range(count)]
    noise = torch.rand(count, height, width, channels, generator=random) - 0.5
    return (torch.stack(frames) + 0.05 * noise).clamp(0, 1)


def through(step: Step, frames: torch.Tensor, start: int = 0, rate=None) -> list[torch.Tensor]:
    """What comes out of `step` for a batch of frames, pulled from `start` on."""
    return list(FrameStream(ImageBatch(frames, rate)).then(step).frames(start))


def assert_any_start_gives_the_tail(step: Step, frames: torch.Tensor, rate=None) -> None:
    whole = through(step, frames, rate=rate)
    assert len(whole) == len(frames)
    for start in range(len(frames)):
        tail = through(step, frames, start, rate)
        assert len(tail) == len(frames) - start
        assert all(torch.equal(a, b) for a, b in zip(whole[start:], tail, strict=True))


def assert_alpha_is_kept(step: Step, frames: torch.Tensor, rate=None) -> None:
    frames = frames.clone()
    out = torch.stack(through(step, frames, rate=rate))
    assert torch.equal(out[..., 3], frames[..., 3])
