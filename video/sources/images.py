"""Frames of a batch that is in memory already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Views of `images` (T, H, W, C), float in 0..1 with 1, 3 or 4 channels; nothing is copied."""

    images: Tensor
    rate: Fraction | None = None

    @property
    def clip(self) -> Clip:
        count, height, width, channels = self.images.shape
        return Clip(count, height, width, 3 if channels == 1 else channels, self.rate)

    def frames(self, start: int) -> Iterator[Tensor]:
        for image in self.images[start:]:
            yield image.expand(-1, -1, 3) if image.shape[-1] == 1 else image

    def fingerprint(self) -> str:
        return fingerprint(self.images)
