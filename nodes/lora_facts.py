"""What the metadata of a LoRA says, as far as people want to know it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from comfy.model_patcher import ModelPatcher

from ..models.patches.lora import unet_weights
from ..training.lora.about import KEY, base_fingerprint

TITLE = "modelspec.title"
LICENCE = "modelspec.license"
ARCHITECTURE = "modelspec.architecture"
LICENCES = (LICENCE, "license", "licence")
BASES = (ARCHITECTURE, "ss_base_model_version", "ss_sd_model_name")
SVD_NAMES = ("svd", "stable-video-diffusion", "stable video diffusion")


def about(metadata: Mapping[str, str], model: ModelPatcher) -> Iterator[str]:
    """Lines for a report: the licence, and a warning when the LoRA is for another model."""
    yield from (f"licence: {metadata[key]}" for key in LICENCES if metadata.get(key))
    base = own_facts(metadata).get("base")
    if base and base != base_fingerprint(unet_weights(model)):
        yield (
            "careful: it was trained on another SVD model than this one: it may do less, or "
            "something else"
        )
    yield from foreign(metadata)


def foreign(metadata: Mapping[str, str]) -> Iterator[str]:
    """A warning for every entry that names a base which is not SVD."""
    for key in BASES:
        said = metadata.get(key, "")
        if said and not any(name in said.lower() for name in SVD_NAMES):
            yield f"careful: its metadata says that it is for {said} ({key})"


def own_facts(metadata: Mapping[str, str]) -> dict:
    """What our own training and saving wrote; empty for LoRAs of other programs."""
    try:
        facts = json.loads(metadata.get(KEY, "{}"))
    except ValueError:
        return {}  # anybody can write metadata; a LoRA is no worse for it
    return facts if isinstance(facts, dict) else {}
