"""Clips on disk: one safetensors file each, named after what is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ...video.disk import clear_disk_errors
from ...video.publish import unfinished_file
from ...video.write.encoder import flush_to_disk
from .clip_set import CachedClip, ClipEntry

ENTRY = "svd_studio_clip"
TENSORS = tuple(field.name for field in fields(CachedClip))
ADVICE = "run SVD Training Clips again"


def save_clip(folder: Path, entry: ClipEntry, clip: CachedClip, thumbnails: Tensor) -> None:
    """Write the clip under `entry.file`, as a whole or not at all; latents as 16-bit floats.

    `thumbnails` (3, h, w, 3) in 0..1 are its first, middle and last frame for people. Raises
    DiskFullError or PermissionError.
    """
    tensors = {name: getattr(clip, name).half() for name in TENSORS}
    tensors["cond_aug"] = clip.cond_aug.float()
    tensors["thumbnails"] = (thumbnails.clamp(0, 1) * 255).round().byte()
    on_cpu = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    _write(folder / entry.file, save(on_cpu, {ENTRY: json.dumps(asdict(entry))}))


def known_entry(folder: Path, file: str) -> ClipEntry | None:
    """What is known of the clip in `file`, or None where it is not there or damaged."""
    try:
        with safe_open(folder / file, "pt") as opened:
            return _entry(json.loads(opened.metadata()[ENTRY]))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError):
        return None


def load_clip(set_folder: Path, entry: ClipEntry) -> CachedClip:
    """The clip on the CPU in float32. Raises ValueError for a file that is missing or damaged."""
    tensors = _read(set_folder, entry, TENSORS)
    return CachedClip(**{name: tensor.float() for name, tensor in tensors.items()})


def load_thumbnails(set_folder: Path, entry: ClipEntry) -> np.ndarray:
    """First, middle and last frame of the clip, uint8 (3, h, w, 3). Raises as `load_clip` does."""
    return _read(set_folder, entry, ("thumbnails",))["thumbnails"].numpy()


def _entry(row: Mapping[str, object]) -> ClipEntry:
    """Raises TypeError for a row that is none; `file` stays inside the set's folder."""
    entry = ClipEntry(**row)
    return replace(entry, file=Path(entry.file).name)


def _read(folder: Path, entry: ClipEntry, names: tuple[str, ...]) -> dict[str, Tensor]:
    try:
        with safe_open(folder / entry.file, "pt") as opened:
            return {name: opened.get_tensor(name) for name in names}
    except FileNotFoundError as error:
        raise ValueError(
            f"The clip {entry.file} ({entry.source}) is missing in {folder}: {ADVICE}."
        ) from error
    except SafetensorError as error:
        raise ValueError(
            f"The clip {entry.file} ({entry.source}) is damaged ({error}): {ADVICE}."
        ) from error


def _write(file: Path, content: bytes) -> None:
    with clear_disk_errors(file, "a training clip"), unfinished_file(file.parent) as temp:
        temp.write_bytes(content)
        flush_to_disk(temp)
        os.replace(temp, file)
