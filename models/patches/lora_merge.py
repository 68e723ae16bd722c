"""A LoRA merged into a checkpoint's file, one tensor in memory at a time.

No tensor changes its shape or its precision, so every one stays where it is in the file: what the
LoRA does not touch is copied byte by byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import safe_open
from torch import Tensor

from ..lora.weights import CORE_PREFIX, LoraWeights
from ..svd import UNET_PREFIX, identify, unet_architecture
from ..weight_files import Shapes, WeightFileError, open_weights
from .lora import LoraStrength
from .lora_adapters import CorePatch, core_patches, module_of, patched_weight

METADATA = "__metadata__"  # safetensors' own entry in a header
MERGED_KEY = "svd_studio_merged"
FACTS_KEY = "svd_studio"
STALE = ("modelspec.hash_sha256", "sshs_model_hash", "sshs_legacy_hash")  # of the content
PIECE = 2**24  # bytes copied at once

OnBytes = Callable[[int, int], None]


@dataclass(frozen=True)
class Checkpoint:
    """A file with an SVD UNet in it, whose names begin with `prefix`."""

    path: Path
    prefix: str
    unet_shapes: Shapes
    metadata: Mapping[str, str]


def open_checkpoint(path: Path) -> Checkpoint:
    """Recognise a checkpoint, or a UNet on its own, under checkpoint names.

    Raises `WeightFileError` for anything else; diffusers' names are not merged into.
    """
    if path.is_dir():
        raise WeightFileError(
            f"{path.name} is a diffusers folder, and LoRAs are merged into single files: choose a "
            "checkpoint, or use the LoRA with SVD LoRA."
        )
    weights = open_weights(path)
    whole = any(key.startswith(UNET_PREFIX) for key in weights.shapes)
    prefix = UNET_PREFIX if whole else ""
    shapes = weights.shapes_under(prefix)
    unet_architecture(shapes, weights.metadata, path.name)
    return Checkpoint(path, prefix, shapes, weights.metadata)


def merge_lora(
    checkpoint: Checkpoint,
    weights: LoraWeights,
    strength: LoraStrength,
    target: Path,
    on_bytes: OnBytes = lambda done, total: None,
) -> int:
    """Write `target`, the checkpoint with the LoRA in it; returns how many tensors changed.

    `weights` fit the checkpoint; a window of `strength` is not looked at. The metadata stays, with
    what was merged under `svd_studio_merged`. `on_bytes(done, total)` is told after every tensor.
    """
    changes = {
        checkpoint.prefix + key.removeprefix(CORE_PREFIX): (key, patch, strength.at(module_of(key)))
        for key, patch in core_patches(weights).items()
        if strength.at(module_of(key))
    }
    metadata = _metadata(checkpoint, weights, strength)
    with checkpoint.path.open("rb") as source, target.open("wb") as out:
        header, start = _read_header(source)
        out.write(_encoded(header | {METADATA: metadata}))
        total = max(entry["data_offsets"][1] for entry in header.values())
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            if name in changes:
                out.write(_changed(checkpoint.path, name, *changes[name]))
            else:
                source.seek(start + begin)
                _copy(source, out, end - begin)
            on_bytes(end, total)
    return len(changes)


def _metadata(
    checkpoint: Checkpoint, weights: LoraWeights, strength: LoraStrength
) -> dict[str, str]:
    """The checkpoint's, and who it is: its variant may have been told by its name alone."""
    info = identify(checkpoint.path.name, checkpoint.metadata)
    facts = {
        "variant": info.variant,
        "num_frames": info.num_frames,
        "width": info.width,
        "height": info.height,
    }
    merged = {
        "lora": weights.name,
        "spatial": strength.spatial,
        "temporal": strength.temporal,
        "into": checkpoint.path.name,
        "metadata": dict(weights.metadata),
    }
    kept = {key: value for key, value in checkpoint.metadata.items() if key not in STALE}
    before = json.loads(kept.get(MERGED_KEY, "[]"))
    return kept | {
        FACTS_KEY: json.dumps(facts | json.loads(kept.get(FACTS_KEY, "{}"))),
        MERGED_KEY: json.dumps([*before, merged]),
    }


def _changed(file: Path, name: str, key: str, patch: CorePatch, strength: float) -> bytes:
    with safe_open(file, "pt") as opened:
        weight: Tensor = opened.get_tensor(name)
    merged = patched_weight(key, weight, patch, strength).contiguous()
    return merged.reshape(-1).view(torch.uint8).numpy().tobytes()


def _read_header(source: BinaryIO) -> tuple[dict[str, dict], int]:
    """The tensors' entries without the metadata, and where their bytes begin."""
    size = int.from_bytes(source.read(8), "little")
    header = json.loads(source.read(size))
    header.pop(METADATA, None)
    return header, 8 + size


def _encoded(header: Mapping[str, Mapping]) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the bytes after it begin where 8 divides
    return len(text).to_bytes(8, "little") + text


def _copy(source: BinaryIO, out: BinaryIO, count: int) -> None:
    while count:
        piece = source.read(min(PIECE, count))
        out.write(piece)
        count -= len(piece)
