"""Networks whose pixels are known, for tests of upscaling."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from svd_studio.video.upscale.network import Room


@dataclass
class Enlarging:
    """Each pixel `scale` times, after `reach` blurs of 3x3 where there is a reach.

    Holds the network's caller to what it asks for, and raises as many errors as it is told.
    """

    scale: int = 2
    multiple_of: int = 1
    minimum: int = 0
    square: bool = False
    reach: int | None = 0
    supports_half: bool = True
    supports_bfloat16: bool = False
    errors: list[Exception] = field(default_factory=list)
    most_pixels: float = float("inf")
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, rgb):
        height, width = rgb.shape[-2:]
        self.seen.append(tuple(rgb.shape))
        assert height % self.multiple_of == width % self.multiple_of == 0
        assert min(height, width) >= self.minimum
        assert not self.square or height == width
        if height * width > self.most_pixels:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if self.errors:
            raise self.errors.pop()
        kernel = rgb.new_tensor([[1, 2, 0], [2, 5, 1], [3, 1, 1]]).expand(3, 1, 3, 3) / 16
        for _ in range(self.reach or 0):
            rgb = F.conv2d(rgb, kernel, padding=1, groups=3)
        return rgb.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)

    def fingerprint(self):
        return f"enlarging {self.scale} {self.reach}"

    def describe(self):
        return "a double"


def room(memory=2**30, **more):
    return Room(torch.device("cpu"), lambda wish: memory, **more)


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
