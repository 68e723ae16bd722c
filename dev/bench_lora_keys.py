"""Which weights of the UNet a LoRA file reaches, by dialect, and what is lost on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import comfy.lora
import comfy.lora_convert
import torch
from bench_lora_parity import ADAPTED, parity_rows, random_lora
from bench_report import Row
from comfy.model_patcher import ModelPatcher
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.lora.families import Kind, kind_of
from svd_studio.models.lora.lora_file import LoraFile, read_lora
from svd_studio.models.lora.match import match_lora
from svd_studio.models.lora.weights import LoraWeights
from svd_studio.models.lora.write import Layout, saved_at, write_lora
from svd_studio.models.patches.lora import unet_shapes
from svd_studio.models.patches.lora_adapters import core_patches
from svd_studio.models.patches.lora_dry_run import meta_model
from svd_studio.models.weight_files import WeightFileError
from torch import Tensor

RANK, ALPHA = 1, 0.5


def key_rows() -> Iterator[Row]:
    """Counts of the published UNet's weights, on the meta device; then svd-mini, computed."""
    model = meta_model(UNetArchitecture(), torch.float16)
    shapes = unet_shapes(model)
    lora = random_lora(shapes, RANK, ALPHA)
    with tempfile.TemporaryDirectory() as folder:
        files = {layout: written(lora, layout, shapes, Path(folder)) for layout in Layout}
    dialects = {layout.value: file for layout, file in files.items()}
    diffusers = files[Layout.DIFFUSERS]
    dialects["diffusers' attention processors"] = renamed(diffusers, as_processors(diffusers))
    dialects["kohya, diffusers' names"] = renamed(diffusers, as_kohya(diffusers))
    for dialect, file in dialects.items():
        yield from left_out(dialect, file, model)
    for layout, file in files.items():
        lost = different(match_lora(file, shapes).weights, lora)
        yield Row(
            f"LoRA there and back through {layout.value}: tensors that differ", "", None, lost, 0
        )
    yield from parity_rows()


def written(lora: LoraWeights, layout: Layout, shapes: Mapping, folder: Path) -> LoraFile:
    """The LoRA as it comes back from a file of this layout."""
    path = folder / f"{layout.name}.safetensors"
    write_lora(path, lora, layout, shapes)
    return read_lora(saved_at(path, layout))


def renamed(file: LoraFile, tensors: dict[str, Tensor]) -> LoraFile:
    return LoraFile(file.name, tensors, file.metadata)


def as_processors(file: LoraFile) -> dict[str, Tensor]:
    """Attention as diffusers' attention processors for LoRA named it, and nothing else."""
    names = {}
    for key, tensor in file.tensors.items():
        block, is_attention, layer = key.rpartition(".to_")
        if is_attention:
            layer = layer.replace(".0.", ".").replace(".lora_A.", "_lora.down.")
            names[f"{block}.processor.to_{layer.replace('.lora_B.', '_lora.up.')}"] = tensor
    return names


def as_kohya(file: LoraFile) -> dict[str, Tensor]:
    names = {}
    for key, tensor in file.tensors.items():
        module, _, factor = key.removeprefix("unet.").rpartition(".lora_")
        role = {"A.weight": "lora_down.weight", "B.weight": "lora_up.weight"}[factor]
        names[f"lora_unet_{module.replace('.', '_')}.{role}"] = tensor
    return names


def left_out(dialect: str, file: LoraFile, model: ModelPatcher) -> Iterator[Row]:
    """How many weights get nothing from a file that has something for each."""
    shapes = unet_shapes(model)
    theirs, ours = reached_by_core(file, model), reached_by_us(file, shapes)
    for kind in ADAPTED:
        weights = [key for key in shapes if kind_of(key.removesuffix(".weight")) is kind]
        weights = [f"diffusion_model.{key}" for key in weights if key.endswith(".weight")]
        if kind is Kind.FEED_FORWARD and "processors" in dialect:
            continue
        missed = [sum(weight not in reached for weight in weights) for reached in (theirs, ours)]
        yield Row(f"{dialect}: {kind.value} left out of {len(weights)}", "", *missed, 0)


def reached_by_core(file: LoraFile, model: ModelPatcher) -> set[str]:
    """As core's LoraLoader does it."""
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    tensors = comfy.lora_convert.convert_lora(dict(file.tensors))
    return set(comfy.lora.load_lora(tensors, names, log_missing=False))


def reached_by_us(file: LoraFile, shapes: Mapping[str, tuple[int, ...]]) -> set[str]:
    try:
        return set(core_patches(match_lora(file, shapes).weights))
    except WeightFileError:
        return set()


def different(found: LoraWeights, expected: LoraWeights) -> int:
    """Tensors that are missing, new, or not equal to the bit."""
    theirs, ours = expected.tensors(), found.tensors()
    same = (key for key in theirs.keys() & ours.keys() if torch.equal(theirs[key], ours[key]))
    return len(theirs.keys() | ours.keys()) - len(list(same))
