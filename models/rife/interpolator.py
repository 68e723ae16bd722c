"""RIFE as it is used on a film: frames are encoded once, and for both pairs that they are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .network import IFNet

SMALLER_ABOVE = ((5120, 0.25), (2560, 0.5))  # pixels of the longer side


@dataclass(frozen=True, eq=False)
class Prepared:
    """A frame (1, 3, H, W) in float32 and its features, on the network's device."""

    frame: Tensor
    features: Tensor | None


@dataclass(frozen=True, eq=False)
class RifeInterpolator:
    """`network` at `scale`, or at the scale that goes with the frames' size where it is None."""

    network: IFNet
    scale: float | None = None

    def prepare(self, frame: Tensor) -> Prepared:
        device = next(self.network.parameters()).device
        frame = frame.to(device, torch.float32)
        return Prepared(frame, self.network.features(frame, self._scale(frame)))

    def between(
        self, first: Prepared, second: Prepared, times: Sequence[float]
    ) -> Iterator[Tensor]:
        features = first.features, second.features
        scale = self._scale(first.frame)
        for t in times:
            yield self.network(first.frame, second.frame, t, scale, features)

    def _scale(self, frame: Tensor) -> float:
        height, width = frame.shape[-2:]
        return auto_scale(height, width) if self.scale is None else self.scale


def auto_scale(height: int, width: int) -> float:
    """0.25 for 8K, 0.5 above 2560 pixels, 1 below: RIFE was trained on motions of small frames."""
    for side, scale in SMALLER_ABOVE:
        if max(height, width) > side:
            return scale
    return 1.0
