"""Classifier-free guidance with a scale of its own for every frame (Blattmann et al. 2023)."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class GuidancePlan:
    """When the unconditional pass runs, without which a step costs half.

    Never but where end_sigma < sigma <= start_sigma (Kynkäänniemi et al. 2024); elsewhere there is
    no guidance. With a `carry` above 1 it runs again only when sigma has fallen by that factor
    since it last did, and between its difference from the conditional prediction is carried on,
    as it fades with sigma. Raises ValueError for a range that does not fall or a carry below 1.
    """

    start_sigma: float = math.inf
    end_sigma: float = 0.0
    carry: float = 1.0

    def __post_init__(self) -> None:
        if not self.start_sigma > self.end_sigma >= 0:
            raise ValueError(
                f"Guidance is to begin at sigma {self.start_sigma:g} and to end at "
                f"{self.end_sigma:g}: sigma falls while a film is made, so it must begin at a "
                "higher one. 0 for both is all of the range."
            )
        if not self.carry >= 1:
            raise ValueError(
                f"Guidance is to be carried on until sigma has fallen by {self.carry:g}: use 1 "
                "(guide every step anew) or more."
            )

    @property
    def is_everything(self) -> bool:
        """Every step is guided, and exactly."""
        return self == GuidancePlan()

    def guides(self, sigma: float) -> bool:
        """Whether a step at `sigma` is guided, anew or by what is carried on."""
        slack = 1 + 1e-5  # a schedule that comes to `start_sigma` may miss its last bit
        return self.end_sigma < sigma <= self.start_sigma * slack

    def needs_uncond(self, sigma: float, last: float | None) -> bool:
        """Whether the unconditional pass runs at `sigma`; `last`: where it did before.

        A sampler that comes back to a sigma gets the same there; one that goes up begins anew.
        """
        if not self.guides(sigma):
            return False
        return last is None or sigma >= last or sigma * self.carry <= last

    def describe(self) -> str:
        if self.is_everything:
            return ""
        start = "the start" if math.isinf(self.start_sigma) else f"sigma {self.start_sigma:g}"
        anew = "" if self.carry == 1 else f", anew where sigma has fallen {self.carry:g} times"
        return f", from {start} to {self.end_sigma:g}{anew}"


# Measured on svd-mini: what guidance changes in x0 grows with sigma and levels off, and its
# direction turns, so that the share of it that a lower sigma still wants is about this curve's.
FADING_SIGMA = 4.0


def faded(difference: Tensor, sigma: float, last: float) -> Tensor:
    """What is left at `sigma` of the difference that was measured at `last`."""
    return difference * (sigma / (sigma + FADING_SIGMA)) / (last / (last + FADING_SIGMA))


# The scales of the reference configurations, and what keeps the miniature's late frames together.
PRESETS = {
    "svd": FrameGuidance(1.0, 2.5),
    "svd_xt": FrameGuidance(1.5, 3.0),
    "svd_xt_1_1": FrameGuidance(1.5, 3.0),
    "diffusers": FrameGuidance(1.0, 3.0),
    "svd-mini": FrameGuidance(1.0, 2.0),
}
