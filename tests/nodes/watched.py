"""A source that knows whether it is being pulled."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import torch
from svd_studio.video.stream import Clip


@dataclass
class Watched:
    """A source that knows whether it is being pulled."""

    images: torch.Tensor
    log: list[str] = field(default_factory=list)

    @property
    def clip(self):
        return Clip(len(self.images), *self.images.shape[1:3], rate=Fraction(8))

    def frames(self, start):
        self.log.append("opened")
        try:
            yield from self.images[start:]
        finally:
            self.log.append("closed")

    def fingerprint(self):
        return "watched"
