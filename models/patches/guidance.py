"""A guidance scale for every frame, on a clone of a MODEL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_base import BaseModel
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...sampling.guidance import FrameGuidance, GuidancePlan, faded
from .wrappers import add_outermost, without_wrappers

GUIDANCE_KEY = "svd_studio_guidance"
PLAN_KEY = "svd_studio_guidance_plan"


def with_guidance(model: ModelPatcher, guidance: FrameGuidance) -> ModelPatcher:
    """A clone that guides every frame by its own scale, in any sampler of core."""

    def combine(arguments: dict[str, Any]) -> Tensor:
        return guidance.combine(arguments["cond"], arguments["uncond"])

    patched = model.clone()
    patched.set_model_sampler_cfg_function(combine, disable_cfg1_optimization=guidance.needs_uncond)
    patched.set_attachments(GUIDANCE_KEY, guidance)
    return patched


def guidance_of(model: ModelPatcher) -> FrameGuidance | None:
    """What `with_guidance` put on this model or an ancestor of it."""
    return model.attachments.get(GUIDANCE_KEY)


def has_foreign_guidance(model: ModelPatcher) -> bool:
    """Another pack or core has put a guidance of its own on this model."""
    return "sampler_cfg_function" in model.model_options and guidance_of(model) is None


def with_guidance_plan(model: ModelPatcher, plan: GuidancePlan) -> ModelPatcher:
    """A clone whose unconditional pass runs as `plan` says, whoever guides it.

    Where there is no guidance the conditional prediction stands for both. A plan put on before
    is replaced.
    """
    patched = without_guidance_plan(model)
    if plan.is_everything:
        return patched
    run = GuidanceRun(plan)
    patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, PLAN_KEY, run.run)
    add_outermost(patched, WrappersMP.PREDICT_NOISE, PLAN_KEY, run.begin_prediction)
    patched.add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, PLAN_KEY, run.evaluate)
    patched.set_model_sampler_pre_cfg_function(run.complete)
    patched.set_attachments(PLAN_KEY, run)
    return patched


def without_guidance_plan(model: ModelPatcher) -> ModelPatcher:
    """A clone whose every step is guided anew."""
    patched = without_wrappers(model, PLAN_KEY)
    functions = patched.model_options.get("sampler_pre_cfg_function", [])
    patched.model_options["sampler_pre_cfg_function"] = [
        function
        for function in functions
        if not isinstance(getattr(function, "__self__", None), GuidanceRun)
    ]
    return patched


def guidance_plan_of(model: ModelPatcher) -> GuidancePlan:
    """What `with_guidance_plan` put on this model or an ancestor of it."""
    run = model.attachments.get(PLAN_KEY)
    return run.plan if run else GuidancePlan()


@dataclass(frozen=True)
class _Difference:
    """Conditional minus unconditional prediction, (T, 4, h, w), at `sigma`."""

    sigma: float
    value: Tensor


class GuidanceRun:
    """What a run has measured and carries on; each run begins anew and lets go at its end.

    Methods that look at several films for one prediction, as those from both ends do, ask in the
    same order every time: each film has its own difference.
    """

    def __init__(self, plan: GuidancePlan) -> None:
        self.plan = plan
        self._film = 0
        self._last: dict[int, _Difference] = {}

    def __deepcopy__(self, memo: dict) -> GuidanceRun:
        """Itself: clones copy their options deeply, and all that acts in a run must be one."""
        return self

    def run(self, executor: Callable, *args: object, **kwargs: object) -> Tensor:
        """Wrapper of core's `outer_sample`."""
        self._last = {}
        try:
            return executor(*args, **kwargs)
        finally:
            self._last = {}

    def begin_prediction(self, executor: Callable, *args: object, **kwargs: object) -> Tensor:
        """Wrapper of core's `predict_noise`, outside all others."""
        self._film = 0
        return executor(*args, **kwargs)

    def evaluate(
        self,
        executor: Callable,
        base: BaseModel,
        conds: list,
        x: Tensor,
        timestep: Tensor,
        model_options: dict,
    ) -> list[Tensor]:
        """Wrapper of core's `calc_cond_batch`, which leaves the unconditional pass out."""
        if not self._needs_uncond(_sigma(timestep)):
            conds = [cond if i == 0 else None for i, cond in enumerate(conds)]
        if all(cond is None for cond in conds):  # a memory plan asks for them one by one
            return [torch.zeros_like(x) for _ in conds]
        return executor(base, conds, x, timestep, model_options)

    def complete(self, arguments: dict[str, Any]) -> list[Tensor]:
        """Core's pre-CFG function: puts the missing prediction in its place."""
        cond, *others = arguments["conds_out"]
        sigma, film = _sigma(arguments["timestep"]), self._film
        self._film += 1
        if arguments["conds"][1] is None:  # core itself leaves it out
            return [cond, *others]
        last = self._last.get(film)
        if self._is_needed(sigma, last):
            self._last[film] = _Difference(sigma, cond - others[0])
            return [cond, *others]
        if last is None or not self.plan.guides(sigma):
            return [cond, cond, *others[1:]]
        return [cond, cond - faded(last.value, sigma, last.sigma), *others[1:]]

    def _needs_uncond(self, sigma: float) -> bool:
        return self._is_needed(sigma, self._last.get(self._film))

    def _is_needed(self, sigma: float, last: _Difference | None) -> bool:
        return self.plan.needs_uncond(sigma, last.sigma if last else None)


def _sigma(timestep: Tensor) -> float:
    return float(timestep.max())
