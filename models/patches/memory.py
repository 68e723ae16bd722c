"""Sampling within a budget of memory: plan a run, patch its layers, climb down when it fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import comfy.model_management as management
from comfy.model_base import BaseModel
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...sampling.ladder import NotEnoughMemoryError, climb_down
from ...sampling.memory import (
    GIBI,
    RUNGS,
    AttentionKind,
    MemoryPlan,
    Pass,
    activation_bytes,
    plan_memory,
    share_a_pass,
)
from ...sampling.parked_skips import ParkedSkips
from ..architecture import UNetArchitecture
from .chunked_layers import chunk_layers
from .device_memory import free_for_activations, is_oom
from .ends import ends_of
from .step_cache import step_cache_of
from .unet_of import unet_architecture_of

log = logging.getLogger(__name__)

MEMORY_KEY = "svd_studio_memory"


def with_memory_plan(model: ModelPatcher, budget: float | None) -> ModelPatcher:
    """A clone that stays within `budget` bytes of activations, or within what is free at the time.

    Works in any sampler of core. The film does not depend on the budget.
    """
    patched = model.clone()
    run = MemoryRun(budget)
    for kind, wrapper in (
        (WrappersMP.PREPARE_SAMPLING, run.prepare),
        (WrappersMP.CALC_COND_BATCH, run.evaluate),
    ):
        patched.remove_wrappers_with_key(kind, MEMORY_KEY)
        patched.add_wrapper_with_key(kind, MEMORY_KEY, wrapper)
    patched.set_attachments(MEMORY_KEY, run)
    return patched


def memory_run_of(model: ModelPatcher) -> MemoryRun | None:
    """What `with_memory_plan` put on this model or an ancestor of it."""
    return model.attachments.get(MEMORY_KEY)


class MemoryRun:
    """What a run of a MODEL uses and has been through; each run begins anew with `prepare`.

    `budget`: bytes of activations beside the weights; None is what is free when the run begins.
    """

    def __init__(self, budget: float | None) -> None:
        self.budget = budget
        self.plan: MemoryPlan | None = None
        self.retries: list[str] = []
        self.notes: list[str] = []
        self._rungs = RUNGS
        self._one_pass: Pass | None = None
        self._unet: UNetArchitecture | None = None

    def prepare(
        self,
        executor: Callable,
        model: ModelPatcher,
        noise_shape: tuple,
        conds: dict[str, list],
        *args: Any,  # noqa: ANN401 - whatever this ComfyUI passes on
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Wrapper of core's `prepare_sampling`: decide, patch, and let core make that much room."""
        self.retries, self.notes = [], []
        self._plan_for(model, noise_shape, conds)
        chunk_layers(model, self.plan.rung.chunk_elements, self.notes)
        # Core reserves so much a frame, far more than SVD takes: name as many frames as are right.
        one_frame = model.model.memory_required([1, *noise_shape[1:]])
        frames = math.ceil(self.plan.estimate / one_frame)
        return executor(model, [frames, *noise_shape[1:]], conds, *args, **kwargs)

    def evaluate(
        self,
        executor: Callable,
        model: BaseModel,
        conds: list,
        x: Tensor,
        timestep: Tensor,
        model_options: dict,
    ) -> list[Tensor]:
        """Wrapper of core's `calc_cond_batch`: the same again on a lower rung if memory runs out.

        The sampler that asked notices nothing, whichever it is: its step goes on where it was.
        """

        def attempt() -> list[Tensor]:
            return self._predictions(executor, model, conds, x, timestep, model_options)

        try:
            return climb_down(attempt, lambda: self._step_down(model.current_patcher), is_oom)
        except RuntimeError as error:
            if is_oom(error):
                raise NotEnoughMemoryError(self._too_large()) from None
            raise

    def describe(self) -> str:
        """Lines for a report: the way chosen, its estimate and budget, and what went wrong."""
        return "\n".join([f"memory {self.plan.describe()}", *self.retries, *self.notes])

    # ---- one evaluation ------------------------------------------------------------------------

    def _predictions(
        self,
        executor: Callable,
        model: BaseModel,
        conds: list,
        x: Tensor,
        timestep: Tensor,
        model_options: dict,
    ) -> list[Tensor]:
        if self.plan.rung.park_skips:
            model_options = _with_parked_skips(model_options)
        if self._one_pass.conds > 1:
            return executor(model, conds, x, timestep, model_options)
        results = []
        for index in range(len(conds)):
            # The others' places stay: patches know a conditioning by its place.
            alone = [cond if i == index else None for i, cond in enumerate(conds)]
            results.append(executor(model, alone, x, timestep, model_options)[index])
        return results

    def _step_down(self, model: ModelPatcher) -> bool:
        below = self._rungs[self._rungs.index(self.plan.rung) + 1 :]
        if not below:
            return False
        failed = self.plan.rung.name
        self.plan = plan_memory(self._unet, self._one_pass, self.plan.budget, below[:1])
        self.retries.append(f"out of memory with {failed}: went on with {self.plan.rung.name}")
        log.warning("SVD Studio: %s", self.retries[-1])
        management.soft_empty_cache()
        chunk_layers(model, self.plan.rung.chunk_elements, self.notes)
        model.patch_model(load_weights=False)
        return True

    # ---- the plan ------------------------------------------------------------------------------

    def _plan_for(self, model: ModelPatcher, noise_shape: tuple, conds: dict[str, list]) -> None:
        controlled = any("control" in cond for group in conds.values() for cond in group)
        # Core adds a control to the skips before we can bring them back from host memory.
        self._rungs = tuple(rung for rung in RUNGS if not (rung.park_skips and controlled))
        self._unet = unet_architecture_of(model)
        self._one_pass = share_a_pass(self._unet, pass_of(model, noise_shape), len(conds))
        budget = free_for_activations(model) if self.budget is None else self.budget
        budget -= self._kept_between_steps(model, noise_shape, len(conds))
        self.plan = plan_memory(self._unet, self._one_pass, budget, self._rungs)
        if self.budget is not None and not self.plan.fits:
            raise NotEnoughMemoryError(self._too_large())

    def _kept_between_steps(self, model: ModelPatcher, noise_shape: tuple, conds: int) -> int:
        cache = step_cache_of(model)
        if cache is None:
            return 0
        films = 2 if ends_of(model) else 1
        return films * cache.bytes_held(noise_shape, self._one_pass.element_size, conds)

    def _too_large(self) -> str:
        size = self._one_pass
        need = activation_bytes(self._unet, size, self._rungs[-1]) / GIBI
        return (
            f"Sampling {size.num_frames} frames of {size.width * 8}x{size.height * 8} needs "
            f"{need:.2f} GiB beside the weights at the least, and there are "
            f"{self.plan.budget / GIBI:.2f} GiB: choose a smaller size or fewer frames, give SVD "
            "Memory Plan a larger budget (0 takes what is free), or close what else uses the "
            "memory."
        )


def _with_parked_skips(model_options: dict) -> dict:
    options = model_options.get("transformer_options", {})
    patches = ParkedSkips().patches(options.get("patches", {}))
    return model_options | {"transformer_options": options | {"patches": patches}}


def pass_of(model: ModelPatcher, latent_shape: Sequence[int]) -> Pass:
    """A pass over latents (T, 4, h, w) with this MODEL on this machine, one conditioning."""
    network = model.model
    dtype = network.manual_cast_dtype or network.get_dtype()
    flash = management.xformers_enabled() or management.pytorch_attention_flash_attention()
    kind = AttentionKind.FLASH if flash else AttentionKind.SLICED
    frames, _, height, width = latent_shape
    return Pass(frames, height, width, dtype.itemsize, attention=kind)
