"""A LoRA on a clone of a MODEL: layers within and across frames apart, in any range of sigma."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..lora.families import is_temporal
from ..lora.weights import CORE_PREFIX, LoraWeights
from .lora_adapters import FACTOR, CorePatch, core_patches, module_of
from .lora_window import LoraWindow
from .svd_only import require_svd

LORA_KEY = "svd_studio_lora"
LORAS_ARE = "These LoRAs are"  # whom a refusal of another MODEL speaks of


@dataclass(frozen=True)
class LoraStrength:
    """How strongly a LoRA acts on layers within a frame and across frames, and when.

    1 is as it was trained, 0 not at all, below 0 the other way. It acts where
    end_sigma < sigma <= start_sigma.
    """

    spatial: float = 1.0
    temporal: float = 1.0
    start_sigma: float = math.inf
    end_sigma: float = 0.0

    @property
    def always(self) -> bool:
        return self.start_sigma == math.inf and self.end_sigma <= 0

    def at(self, module: str) -> float:
        return self.temporal if is_temporal(module) else self.spatial

    def describe(self) -> str:
        above = f" above sigma {self.end_sigma:g}" if self.end_sigma > 0 else ""
        below = "" if self.start_sigma == math.inf else f" from sigma {self.start_sigma:g}"
        return f"spatial {self.spatial:g}, temporal {self.temporal:g}{below}{above}"


@dataclass(frozen=True)
class AppliedLora:
    """One LoRA on a MODEL, for reports."""

    name: str
    num_layers: int
    strength: LoraStrength

    def describe(self) -> str:
        """A line for a report."""
        return f"LoRA {self.name}: {self.num_layers} layers, {self.strength.describe()}"


def apply_lora(
    model: ModelPatcher, weights: LoraWeights, strength: LoraStrength | None = None
) -> ModelPatcher:
    """A clone with the LoRA on it, over those that are there; works in any sampler of core.

    Layers of strength 0, and a window that is empty, get nothing at all. Raises ValueError for a
    MODEL that is not Stable Video Diffusion, and for a window on what is no layer.
    """
    require_svd(model, LORAS_ARE)
    strength = strength or LoraStrength()
    patched = model.clone()
    patches = {
        key: (patch, strength.at(module_of(key)))
        for key, patch in core_patches(weights).items()
        if strength.at(module_of(key)) and strength.end_sigma < strength.start_sigma
    }
    if patches and strength.always:
        _add_patches(patched, patches)
    elif patches:
        _require_layers(patches, weights.name)
        window = LoraWindow(patches, strength.start_sigma, strength.end_sigma)
        patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, LORA_KEY, window.run)
        patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, LORA_KEY, window.evaluate)
    applied = AppliedLora(weights.name, len(weights.modules), strength)
    patched.set_attachments(LORA_KEY, (*loras_of(model), applied))
    return patched


def loras_of(model: ModelPatcher) -> tuple[AppliedLora, ...]:
    """What `apply_lora` put on this model and its ancestors, in that order."""
    return model.attachments.get(LORA_KEY, ())


def unet_shapes(model: ModelPatcher) -> dict[str, tuple[int, ...]]:
    """Shapes of the UNet's weights under checkpoint names without a prefix."""
    unet = model.model.diffusion_model
    return {name: tuple(weight.shape) for name, weight in unet.named_parameters()}


def unet_weights(model: ModelPatcher) -> dict[str, Tensor]:
    """The UNet's own weights under those names, whatever a clone has patched into it just now."""
    weights = dict(model.model.diffusion_model.named_parameters())
    own = {key: kept.weight for key, kept in model.backup.items() if key.startswith(CORE_PREFIX)}
    return weights | {key.removeprefix(CORE_PREFIX): weight for key, weight in own.items()}


def _require_layers(keys: Iterable[str], name: str) -> None:
    if any(key.endswith(FACTOR) for key in keys):
        raise ValueError(
            f"{name} changes how layers within and across frames are mixed (mix_factor), which "
            "cannot come and go while sampling: set start_sigma and end_sigma to 0."
        )


def _add_patches(model: ModelPatcher, patches: dict[str, tuple[CorePatch, float]]) -> None:
    by_strength: dict[float, dict[str, CorePatch]] = defaultdict(dict)
    for key, (patch, strength) in patches.items():
        by_strength[strength][key] = patch
    for strength, group in by_strength.items():
        model.add_patches(group, strength)
