"""Deep features that are computed on some steps and used again on the steps between.

DeepCache (Ma et al. 2023, arXiv 2312.00858): from step to step the inner blocks of a UNet change
little, so that a step may run the outer blocks alone and take from the last whole evaluation what
the inner ones gave. An approximation: what is saved is seen in the film.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Evaluation:
    """How one conditioning is evaluated at `sigma`, after how many steps that reused."""

    sigma: float
    whole: bool
    reused_steps: int = 0


@dataclass(frozen=True)
class StepCache:
    """Which evaluations run whole and which reuse, where end_sigma < sigma <= start_sigma.

    `blocks`: how many outer blocks of the encoder, and as many of the decoder, run at every step.
    `every`: the inner ones run on every so-manieth step; 1 is the whole network always.
    `threshold`: above 0, they run sooner where the outer encoder blocks give something that differs
    by more than this, relative to what they gave on the last whole evaluation.
    """

    blocks: int
    every: int = 2
    threshold: float = 0.0
    start_sigma: float = math.inf
    end_sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.blocks < 1 or self.every < 1 or self.threshold < 0:
            raise ValueError(
                f"A step cache of {self.blocks} blocks, every {self.every}, threshold "
                f"{self.threshold:g}: blocks and every begin at 1, the threshold at 0."
            )

    @property
    def reuses(self) -> bool:
        """False when every evaluation is whole, whatever the steps."""
        return self.every > 1 and self.end_sigma < self.start_sigma

    @property
    def measures(self) -> bool:
        return self.threshold > 0

    def acts_at(self, sigma: float) -> bool:
        """Within the range; a schedule that starts at its top may miss the last bit."""
        return self.reuses and self.end_sigma < sigma <= self.start_sigma * (1 + 1e-5)

    def next(self, sigma: float, last: Evaluation | None) -> Evaluation:
        """The evaluation at `sigma` after `last`, None at the start of a run.

        A step is a sigma: samplers that evaluate several times at one get the same each time.
        Where sigma goes up again, a sampler looks at another film: whole.
        """
        if last is not None and sigma == last.sigma:
            return last
        first = last is None or not self.acts_at(last.sigma)
        if first or not self.acts_at(sigma) or sigma > last.sigma:
            return Evaluation(sigma, whole=True)
        reused_steps = last.reused_steps + 1
        if reused_steps == self.every:
            return Evaluation(sigma, whole=True)
        return Evaluation(sigma, whole=False, reused_steps=reused_steps)

    def plan(self, sigmas: Iterable[float]) -> list[Evaluation]:
        """What one conditioning gets that is evaluated at these sigmas, without a threshold."""
        planned: list[Evaluation] = []
        for sigma in sigmas:
            planned.append(self.next(sigma, planned[-1] if planned else None))
        return planned

    def describe(self) -> str:
        inner = f"inner ones every {self.every} steps"
        if self.measures:
            inner += f" or where {self.threshold:g} has changed"
        above = f" above sigma {self.end_sigma:g}" if self.end_sigma > 0 else ""
        below = "" if self.start_sigma == math.inf else f" from sigma {self.start_sigma:g}"
        return f"{self.blocks} outer blocks, {inner}{below}{above}"
