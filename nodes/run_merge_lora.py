"""A LoRA merged into a checkpoint's file, with progress, and the report of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import comfy.model_management
import comfy.utils
from torch import Tensor

from ..models.lora.match import match_lora
from ..models.patches.lora import LoraStrength
from ..models.patches.lora_merge import merge_lora, open_checkpoint
from ..video.disk import clear_disk_errors
from ..video.publish import publish_numbered, unfinished_file
from .load import find_model, list_models
from .lora_facts import LICENCES, foreign
from .lora_inputs import find_lora
from .model_folder import model_place


@dataclass(frozen=True)
class MergeSettings:
    """The widgets of SVD Merge LoRA."""

    checkpoint: str
    lora_name: str
    strength: LoraStrength
    filename_prefix: str


def single_files() -> list[str]:
    """The entries of Load SVD Model that are one file."""
    return [name for name in list_models() if not name.startswith("diffusers/")]


def merge_into_checkpoint(
    settings: MergeSettings, lora: Mapping[str, Tensor] | None
) -> tuple[str, str]:
    """The new file's name as Load SVD Model lists it, and a report."""
    checkpoint = open_checkpoint(find_model(settings.checkpoint))
    match = match_lora(find_lora(settings.lora_name, lora), checkpoint.unet_shapes)
    # A UNet on its own is listed among its like, under the name of their folder.
    kind = "checkpoints" if checkpoint.prefix else "diffusion_models"
    place = model_place(kind, settings.filename_prefix)
    bar = comfy.utils.ProgressBar(checkpoint.path.stat().st_size)

    def on_bytes(done: int, total: int) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    with unfinished_file(place.folder) as temp, clear_disk_errors(temp, "the checkpoint"):
        changed = merge_lora(checkpoint, match.weights, settings.strength, temp, on_bytes)
        path = publish_numbered(temp, place.folder, place.name, ".safetensors")
    name = place.listed(path) if checkpoint.prefix else f"{kind}/{place.listed(path)}"
    told = match.weights.metadata
    lines = [
        f"{name}: {checkpoint.path.name} with {changed} weights changed, "
        f"{settings.strength.describe()}",
        match.describe(),
        *(f"licence: {told[key]}" for key in LICENCES if told.get(key)),
        *foreign(told),
    ]
    return name, "\n".join(lines)
