"""A LoRA found, matched to the model and put on it, and the report of that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..models.lora.match import match_lora
from ..models.lora.weights import LoraModel
from ..models.patches.lora import LORAS_ARE, LoraStrength, apply_lora, loras_of, unet_shapes
from ..models.patches.svd_only import require_svd
from .lora_facts import TITLE, about
from .lora_inputs import find_lora


@dataclass(frozen=True)
class LoraSettings:
    """The widgets of SVD LoRA; a `start_sigma` of 0 is the first step."""

    strength: float = 1.0
    spatial: float = 1.0
    temporal: float = 1.0
    start_sigma: float = 0.0
    end_sigma: float = 0.0

    def resolve(self) -> LoraStrength:
        return LoraStrength(
            self.strength * self.spatial,
            self.strength * self.temporal,
            self.start_sigma or math.inf,
            self.end_sigma,
        )


def add_lora(
    model: ModelPatcher,
    lora_name: str,
    lora: Mapping[str, Tensor] | None,
    settings: LoraSettings,
) -> tuple[ModelPatcher, str, LoraModel]:
    """The model with the LoRA on it, a report, and the LoRA under core's names."""
    require_svd(model, LORAS_ARE)
    match = match_lora(find_lora(lora_name, lora), unet_shapes(model))
    patched = apply_lora(model, match.weights, settings.resolve())
    lines = [match.describe(), loras_of(patched)[-1].describe()]
    lines += about(match.weights.metadata, model)
    metadata = {TITLE: match.weights.name, **match.weights.metadata}
    return patched, "\n".join(lines), LoraModel(match.weights.tensors(), metadata)
