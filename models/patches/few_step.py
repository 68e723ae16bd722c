"""Whether a MODEL is one for few steps: its checkpoint, or a LoRA on it."""

from __future__ import annotations

from comfy.model_patcher import ModelPatcher

from ...sampling.few_step import FewStepWeights
from ..few_step import few_step_by_name
from ..loader import info_of
from .lora import AppliedLora, loras_of


def few_step_of(model: ModelPatcher) -> FewStepWeights | None:
    """How the model wants to be sampled in few steps; None for a model of many steps.

    A few-step LoRA counts before the checkpoint, and the last one of several.
    """
    for lora in reversed(loras_of(model)):
        found = few_step_by_name(lora.name)
        if found and _acts(lora):
            return found
    info = info_of(model)
    return info.few_step if info else None


def _acts(lora: AppliedLora) -> bool:
    """On layers within and across frames; apart, or the other way, it gives no few-step model."""
    strength = lora.strength
    window = strength.end_sigma < strength.start_sigma
    return window and min(strength.spatial, strength.temporal) > 0
