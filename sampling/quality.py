"""Points on the measured curve of quality against time, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .few_step import SCHEDULES as FEW_STEP_SCHEDULES
from .few_step import FewStepWeights
from .guidance import GuidancePlan
from .step_cache import StepCache

ALIGN_YOUR_STEPS, SVD_STUDIO = "align-your-steps", "svd-studio"


@dataclass(frozen=True)
class Quality:
    """Settings of one run; `schedule` and `sampler` are names that SVD Sampler knows.

    The `guidance_` ones are those of `GuidancePlan`; a start sigma of 0 is the highest there is.
    The `cache_` ones are those of `StepCache`, which an `every` of 1 switches off.
    """

    steps: int
    schedule: str
    sampler: str
    guidance_start_sigma: float = 0.0
    guidance_end_sigma: float = 0.0
    guidance_carry: float = 1.0
    cache_blocks: int = 3
    cache_every: int = 1

    @property
    def guidance(self) -> GuidancePlan:
        start = self.guidance_start_sigma or math.inf
        return GuidancePlan(start, self.guidance_end_sigma, self.guidance_carry)

    @property
    def step_cache(self) -> StepCache:
        return StepCache(self.cache_blocks, self.cache_every)

    def for_few_step(self, weights: FewStepWeights) -> Quality:
        """The same quality from few-step weights: they have a sampler and guidance of their own.

        The steps are the nearest that the publishers name, at most as many as here.
        """
        steps = max((n for n in weights.steps if n <= self.steps), default=min(weights.steps))
        schedule = next(name for name, w in FEW_STEP_SCHEDULES.items() if w is weights)
        return Quality(steps, schedule, weights.sampler)

    def describe(self) -> str:
        where = self.guidance.describe() or ", at every step"
        cache = f"; {self.step_cache.describe()}" if self.step_cache.reuses else ""
        steps = f"{self.steps} steps of {self.sampler}, schedule {self.schedule}"
        return f"{steps}; guided{where}{cache}"


# Every one is a row of `bench speed`: how far its films, of svd-mini, are from those of 200 steps.
# Published weights get the schedule that NVIDIA made for them; svd-mini, whose pictures
# are small and settle later, the one that was fitted to it.
PRESETS = {
    "draft": Quality(4, ALIGN_YOUR_STEPS, "dpmpp_2m", 100.0, 1.0, 100.0),
    "fast": Quality(7, ALIGN_YOUR_STEPS, "deis", 100.0, 0.1, 4.0, 4, 2),
    "standard": Quality(10, ALIGN_YOUR_STEPS, "dpmpp_2m", 100.0, 0.1, 4.0, 4, 2),
    "final": Quality(25, "karras", "dpmpp_2m"),
}
MINIATURE_PRESETS = {
    "draft": Quality(4, SVD_STUDIO, "dpmpp_2m", 100.0, 0.1, 100.0),
    "fast": Quality(7, SVD_STUDIO, "deis", 100.0, 0.1, 3.0, 3, 2),
    "standard": Quality(10, SVD_STUDIO, "dpmpp_2m", 100.0, 0.1, 3.0, 3, 2),
    "final": Quality(25, "karras", "dpmpp_2m"),
}
