"""A LoRA as its file holds it: tensors under the file's own names, metadata, PEFT's settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..weight_files import WeightFileError, open_weights
from .dialects import parse_key
from .intended_for import not_a_lora

PEFT_WEIGHTS = "adapter_model.safetensors"
PEFT_CONFIG = "adapter_config.json"
DIFFUSERS_WEIGHTS = "pytorch_lora_weights.safetensors"


@dataclass(frozen=True)
class LoraFile:
    """`peft_config` is the `adapter_config.json` beside the weights; other trainers write none."""

    name: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    peft_config: Mapping[str, Any] | None = None


def read_lora(path: Path) -> LoraFile:
    """Read a .safetensors file, or a folder as `peft` or diffusers save one.

    Raises `WeightFileError` for a pickle, a damaged file and one that holds no LoRA; the weights
    of a whole network are not read to find that out.
    """
    file = _weights_in(path) if path.is_dir() else path
    name = file.parent.name if file.name in (PEFT_WEIGHTS, DIFFUSERS_WEIGHTS) else file.name
    if not file.is_file():
        raise WeightFileError(f"{name} is not there any more: choose another LoRA.")
    weights = open_weights(file)
    if not any(parse_key(key) for key in weights.shapes):
        raise WeightFileError(not_a_lora(name, weights.shapes))
    config = file.parent / PEFT_CONFIG
    has_config = file.name == PEFT_WEIGHTS and config.is_file()
    return LoraFile(
        name, weights.read(), weights.metadata, _read_config(config, name) if has_config else None
    )


def _weights_in(folder: Path) -> Path:
    usual = [folder / name for name in (PEFT_WEIGHTS, DIFFUSERS_WEIGHTS)]
    files = [file for file in usual if file.is_file()] or sorted(folder.glob("*.safetensors"))
    if len(files) == 1 or (files and files[0] in usual):
        return files[0]
    if not files and list(folder.glob("*.bin")):
        raise WeightFileError(
            f"{folder.name} holds a pickle only, which can run code when it is opened: "
            f"save the LoRA as {PEFT_WEIGHTS}."
        )
    raise WeightFileError(
        f"{folder.name} holds {len(files) or 'no'} .safetensors files, expected "
        f"{PEFT_WEIGHTS}: choose one file."
    )


def _read_config(file: Path, name: str) -> Mapping[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightFileError(
            f"The {file.name} of {name} is damaged ({error}): download or copy it again."
        ) from error
    if not isinstance(config, dict):
        raise WeightFileError(
            f"The {file.name} of {name} is no list of settings: download or copy it again."
        )
    return config
