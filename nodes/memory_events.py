"""What a run was planned to take of memory and what it took, for the line on its node."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ..models.patches.memory import MemoryRun, memory_run_of
from ..sampling.peak import PeakMemory
from .report import send

EVENT = "svd_studio.memory"
UI_KEY = "svd_memory"  # with it the line is there again for a node that need not run


class MemoryEvents:
    """Tells the page about one run: the plan when denoising starts, the peak when it has ended.

    `facts` is what was told last, None before the run or for a model without a plan.
    """

    def __init__(self, node_id: str | None) -> None:
        self.facts: dict | None = None
        self._node_id = node_id

    def watching(self, model: ModelPatcher) -> ModelPatcher:
        """A clone whose next run is told about; the model itself where nothing plans its memory."""
        run = memory_run_of(model)
        if run is None:
            return model

        def sample(executor: Callable, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            self._tell(memory_facts(run))
            # The weights are loaded by now: what is measured is what the plan speaks of.
            with PeakMemory(model.load_device) as memory:
                result = executor(*args, **kwargs)
            self._tell(memory_facts(run, memory.peak))
            return result

        watched = model.clone()
        watched.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, EVENT, sample)
        return watched

    def ui(self) -> dict | None:
        """For `io.NodeOutput`: a list, as the front end wants every output to be."""
        return {UI_KEY: [self.facts]} if self.facts else None

    def _tell(self, facts: dict) -> None:
        self.facts = facts
        send(EVENT, facts, self._node_id)


def memory_facts(run: MemoryRun, measured: int | None = None) -> dict:
    """The plan of a run as JSON: bytes, of which `measured` is None until it has ended.

    A `budget` of None has no limit. `retries` are sentences, one each time that memory ran out.
    """
    plan = run.plan
    return {
        "way": plan.rung.name,
        "estimate": plan.estimate,
        "budget": max(0, int(plan.budget)) if math.isfinite(plan.budget) else None,
        "measured": measured,
        "retries": list(run.retries),
    }
