"""Classifier-free guidance with a scale of its own for every frame (Blattmann et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor


class GuidanceShape(str, Enum):
    """How the scale runs from the first frame to the last."""

    LINEAR = "linear"
    TRIANGLE = "triangle"
    CONSTANT = "constant"


@dataclass(frozen=True)
class FrameGuidance:
    """Scale `first` at frame 0; `last` at the end (linear) or in the middle (triangle).

    constant uses `last` everywhere.
    """

    first: float = 1.0
    last: float = 2.5
    shape: GuidanceShape = GuidanceShape.LINEAR

    def scales(self, num_frames: int) -> Tensor:
        """One scale a frame, (num_frames,)."""
        if self.shape is GuidanceShape.CONSTANT:
            return torch.full((num_frames,), self.last)
        if self.shape is GuidanceShape.LINEAR:
            return torch.linspace(self.first, self.last, num_frames)
        t = torch.linspace(0, 1, num_frames)
        peak = 2 * (t - torch.floor(t + 0.5)).abs()
        return self.first + (self.last - self.first) * peak

    def combine(self, cond: Tensor, uncond: Tensor) -> Tensor:
        """uncond + scale * (cond - uncond) over frames on the first axis of (T, C, H, W)."""
        scale = self.scales(cond.shape[0]).to(cond).reshape(-1, 1, 1, 1)
        return uncond + scale * (cond - uncond)

    @property
    def needs_uncond(self) -> bool:
        """False when every scale is 1: the unconditional pass would be thrown away."""
        return not (
            self.last == 1.0 and (self.first == 1.0 or self.shape is GuidanceShape.CONSTANT)
        )

    def describe(self) -> str:
        if self.shape is GuidanceShape.CONSTANT:
            return f"constant {self.last:g}"
        return f"{self.shape.value} {self.first:g} to {self.last:g}"


# The scales of the reference configurations, and what keeps the miniature's late frames together.
PRESETS = {
    "svd": FrameGuidance(1.0, 2.5),
    "svd_xt": FrameGuidance(1.5, 3.0),
    "svd_xt_1_1": FrameGuidance(1.5, 3.0),
    "diffusers": FrameGuidance(1.0, 3.0),
    "svd-mini": FrameGuidance(1.0, 2.0),
}
