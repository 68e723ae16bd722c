"""Unsharp masking that leaves noise alone and makes no halos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .gaussian import gaussian
from .per_frame import coloured, luma


@dataclass(frozen=True)
class Sharpen:
    """Adds what a blur takes from the luma; colours keep their hue.

    `amount`: 1 doubles fine contrast; up to 5. `radius`: standard deviation of the blur in pixels,
    up to 10. `threshold`: contrast 0..1 below which little is added. `halo`: how far, 0..1, a pixel
    may go beyond the brightest and darkest of its neighbours. Raises ValueError for others.
    """

    amount: float
    radius: float = 1.0
    threshold: float = 0.008
    halo: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 5:
            raise ValueError(f"The sharpening is {self.amount:g}: expected 0 to 5.")
        if not 0.1 <= self.radius <= 10:
            raise ValueError(f"The radius is {self.radius:g} pixels: expected 0.1 to 10.")

    def clip(self, before: Clip) -> Clip:
        return before

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        if self.amount == 0:
            return before.frames(start)
        return coloured(before, start, self._sharper)

    def _sharper(self, colours: Tensor, number: int) -> Tensor:
        tone = luma(colours)[None, None]
        detail = tone - _blurred(tone, self.radius)
        if self.threshold > 0:
            energy = detail.square()
            detail = detail * energy / (energy + self.threshold**2)
        size = 2 * max(1, round(self.radius)) + 1
        highest = F.max_pool2d(tone, size, stride=1, padding=size // 2) + self.halo
        lowest = -F.max_pool2d(-tone, size, stride=1, padding=size // 2) - self.halo
        sharper = (tone + self.amount * detail).clamp(lowest, highest)
        return colours + (sharper - tone)[0, 0, ..., None]

    def fingerprint(self) -> str:
        return fingerprint("sharpen", self)

    def describe(self) -> str:
        return f"sharpen: {self.amount:g}, radius {self.radius:g} px"


def _blurred(tone: Tensor, radius: float) -> Tensor:
    """(1, 1, H, W), its edges repeated outwards."""
    kernel = gaussian(radius).to(tone)
    reach = len(kernel) // 2
    tone = F.conv2d(F.pad(tone, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    return F.conv2d(F.pad(tone, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
