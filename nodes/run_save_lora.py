"""A LoRA written where ComfyUI finds it, with what is known of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..models.lora.adapters import rank_of
from ..models.lora.lora_file import PEFT_WEIGHTS
from ..models.lora.match import LoraMatch, match_lora
from ..models.lora.weights import LoraWeights
from ..models.lora.write import Layout, saved_at, write_lora
from ..models.patches.lora import LORAS_ARE, unet_shapes
from ..models.patches.svd_only import require_svd
from ..training.lora.about import KEY
from ..video.disk import clear_disk_errors
from .lora_facts import ARCHITECTURE, LICENCE, TITLE, about, own_facts
from .lora_inputs import FROM_INPUT, find_lora
from .model_folder import model_place

PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def save_lora(
    lora: Mapping[str, Tensor],
    model: ModelPatcher,
    filename_prefix: str,
    layout: Layout,
    precision: str,
    licence: str,
) -> tuple[str, str]:
    """The file's name as SVD LoRA lists it, and a report."""
    require_svd(model, LORAS_ARE)
    shapes = unet_shapes(model)
    match = match_lora(find_lora(FROM_INPUT, lora), shapes)
    place = model_place("loras", filename_prefix)
    path = place.next_free("" if layout is Layout.PEFT else ".safetensors")
    weights = LoraWeights(
        path.stem, match.weights.modules, completed(match, path.stem, licence.strip())
    )
    with clear_disk_errors(path, "the LoRA"):
        write_lora(path, weights, layout, shapes, PRECISIONS[precision])
    written = saved_at(path, layout)
    file = written / PEFT_WEIGHTS if layout is Layout.PEFT else written
    name = place.listed(file)
    size = file.stat().st_size / 2**20
    lines = [f"{name}: {layout.value}, {precision}, {size:.1f} MiB", match.describe()]
    return name, "\n".join([*lines, *about(weights.metadata, model)])


def completed(match: LoraMatch, title: str, licence: str) -> dict[str, str]:
    """The LoRA's metadata, with what its tensors tell where nobody has told it."""
    metadata = dict(match.weights.metadata)
    facts = own_facts(metadata) | {"layers": dict(match.matched)}
    ranks = {rank_of(adapter) for adapter in match.weights.modules.values()} - {None}
    told = {"modelspec.sai_model_spec": "1.0.0", ARCHITECTURE: "stable-video-diffusion/lora"}
    if len(ranks) == 1:
        told["ss_network_dim"] = str(*ranks)
    notes = dict.fromkeys(note for note in (metadata.get(LICENCE), licence) if note)
    if notes:
        metadata[LICENCE] = " ".join(notes)
    return told | metadata | {TITLE: title, KEY: json.dumps(facts)}
