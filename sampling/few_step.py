"""Weights distilled to make a film in 2 to 8 evaluations, and how each kind wants to be sampled."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .guidance import FrameGuidance, GuidanceShape
from .sigmas import karras

SIGMA_MIN, SIGMA_MAX = 0.002, 700.0  # SVD's own range, which both kinds were distilled over
NO_GUIDANCE = FrameGuidance(1.0, 1.0, GuidanceShape.CONSTANT)


@dataclass(frozen=True)
class FewStepWeights:
    """One kind of few-step weights and the settings that its publishers use.

    `steps`: the counts they name; `default_steps`: that of their demonstration. `levels`: in how
    many sigmas distillation divided SVD's range. `sampler`: a name of core's. `source`: where the
    settings come from.
    """

    name: str
    steps: tuple[int, ...]
    default_steps: int
    levels: int
    sampler: str
    source: str
    guidance: FrameGuidance = NO_GUIDANCE

    def sigmas(self, steps: int, sigma_max: float = SIGMA_MAX) -> Tensor:
        """The `steps` + 1 sigmas from `sigma_max` to zero: every n-th that distillation saw.

        Multistep sampling of consistency models (Song et al. 2023, algorithm 1) over the levels
        of Karras et al. 2022, evenly picked by number from the noisy end, as AnimateLCM's
        scheduler does. From a `sigma_max` below 700, the levels below it are shared out. Raises
        ValueError for fewer than one step, for more steps than levels, and for no noise at all.
        """
        if not sigma_max > SIGMA_MIN:
            raise ValueError(
                f"{self.name} starts at sigma {sigma_max:g}, which is no noise: "
                f"it needs a sigma above {SIGMA_MIN:g}."
            )
        seen = karras(self.levels, SIGMA_MIN, SIGMA_MAX)
        below = seen[seen < sigma_max * (1 - 1e-5)]  # the first level may miss its last bit
        levels = torch.cat([seen.new_tensor([sigma_max]), below])
        if not 1 <= steps <= len(levels):
            raise ValueError(
                f"{self.name} can take 1 to {len(levels)} steps from sigma {sigma_max:g}, "
                f"and {steps} are asked for: it is made for {_range(self.steps)}."
            )
        picked = levels[:: len(levels) // steps][:steps]
        return torch.cat([picked, picked.new_zeros(1)])

    def describe(self) -> str:
        return (
            f"{self.name}, for few steps: {self.default_steps} ({_range(self.steps)} work) of "
            f"{self.sampler}, guidance {self.guidance.describe()}"
        )


def _range(steps: tuple[int, ...]) -> str:
    return f"{min(steps)} to {max(steps)}"


# G-U-N/AnimateLCM, `animatelcm_svd/app.py`: 40 levels from 0.002 to 700, rho 7, sigma_data 1,
# s_noise 1, 4 steps; the card of wangfuyun/AnimateLCM-SVD-xt: 2 to 8 steps, no guidance needed.
# Its network keeps SVD's parametrisation (c_skip = 1 / (sigma^2 + 1), c_out = -sigma /
# sqrt(sigma^2 + 1), c_noise = ln(sigma) / 4, no term for a boundary at 0.002), and its step is
# x0 + next sigma * fresh noise, without noise in the last: number for number core's `lcm`.
ANIMATE_LCM = FewStepWeights(
    name="AnimateLCM-SVD",
    steps=(2, 4, 6, 8),
    default_steps=4,
    levels=40,
    sampler="lcm",
    source="github.com/G-U-N/AnimateLCM and huggingface.co/wangfuyun/AnimateLCM-SVD-xt",
)

# Wang et al. 2024, "Target-Driven Distillation" (arXiv 2409.01347), the space RED-AIGC/SVD-TDD:
# 250 levels over the same range, 4 steps, no guidance, eta 0.3; the paper: 4 to 8 steps.
# With eta a step goes down to the level (1 - eta) of the way to zero from the next one, and up
# again by fresh noise: 0.15 to 0.27 of the next sigma at 4 steps, if SVD's scheduler shares out
# levels as that for SDXL does. Of core's samplers `euler_ancestral` (0.19 to 0.04) is nearest.
TDD = FewStepWeights(
    name="TDD",
    steps=(4, 5, 6, 7, 8),
    default_steps=4,
    levels=250,
    sampler="euler_ancestral",
    source="arXiv 2409.01347 and huggingface.co/spaces/RED-AIGC/SVD-TDD",
)

SCHEDULES = {"animatelcm": ANIMATE_LCM, "tdd": TDD}  # what a sampler's schedule calls them
