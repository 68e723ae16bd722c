"""Film grain."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .gaussian import gaussian
from .per_frame import coloured, luma

SEEDS = 2**63 - 1
FRAMES_OF_A_SEED = 1_000_003  # a prime, so that the next seed is not the next frame


@dataclass(frozen=True)
class Grain:
    """Grey noise, strongest in the mid-tones and none in black and white, new in every frame.

    `amount`: standard deviation at mid-grey, 0..1. `size`: pixels across a grain, 1 or more.
    Raises ValueError for others.
    """

    amount: float
    size: float = 1.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise ValueError(f"The grain is {self.amount:g}: expected 0 to 1.")
        if not 1 <= self.size <= 32:
            raise ValueError(f"The grain size is {self.size:g} pixels: expected 1 to 32.")

    def clip(self, before: Clip) -> Clip:
        return before

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        if self.amount == 0:
            return before.frames(start)
        return coloured(before, start, self._grainy)

    def _grainy(self, colours: Tensor, number: int) -> Tensor:
        tone = luma(colours).clamp(0, 1)
        noise = self._noise(*colours.shape[:2], number).to(colours)
        return colours + (self.amount * 4 * tone * (1 - tone) * noise)[..., None]

    def _noise(self, height: int, width: int, number: int) -> Tensor:
        """(height, width) of unit variance; made on the CPU, so that every device has the same."""
        random = torch.Generator().manual_seed((self.seed * FRAMES_OF_A_SEED + number) % SEEDS)
        kernel = gaussian(math.sqrt(self.size**2 - 1) / 2)
        reach = len(kernel) - 1
        noise = torch.randn(1, 1, height + reach, width + reach, generator=random)
        if reach:
            kernel = kernel / kernel.norm()
            noise = F.conv2d(F.conv2d(noise, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
        return noise[0, 0]

    def fingerprint(self) -> str:
        return fingerprint("grain", self)

    def describe(self) -> str:
        return f"grain: {100 * self.amount:g} %, {self.size:g} px"
