"""A guidance scale for every frame, on a clone of a MODEL."""

from __future__ import annotations

from typing import Any

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...sampling.guidance import FrameGuidance

GUIDANCE_KEY = "svd_studio_guidance"


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
