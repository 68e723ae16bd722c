"""A stream of frames into a finished H.264 film, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from .colour import bt709_planes
from .disk import clear_disk_errors
from .encoder import FilmFormat, crf_of, open_film
from .names import check_prefix, next_free_path
from .publish import name_taken, publish, unfinished_file

# x264's limit for either side.
LONGEST_SIDE = 16384
# Numerator and denominator have to fit FFmpeg's 32 bits, with room for the factors of timescales.
LARGEST_RATE_PART = 2**24


@dataclass(frozen=True)
class WrittenVideo:
    """A film on disk. `width` and `height` in pixels as stored, both even; `rate` in frames/s."""

    path: Path
    width: int
    height: int
    frames: int
    rate: Fraction
    size_bytes: int


def write_h264(
    frames: Iterable[Tensor],
    path: Path,
    rate: Fraction,
    quality: int,
    metadata: Mapping[str, str],
) -> WrittenVideo:
    """Encode `frames` to the mp4 file `path`, which must not exist yet.

    Each frame (H, W, 3) float in 0..1 on any device, values outside are clamped, an odd side gets
    its last row or column twice. Frames are pulled one at a time. `quality` 0..100 is x264's CRF
    51..9 (80 -> 17.4, the default of the nodes; 100 shows no difference to the eye). `metadata`
    become tags of the file; ComfyUI opens the graph of a film whose tags `workflow` or `prompt`
    hold it as JSON.

    The pixels are converted with the BT.709 matrix to limited range and tagged so; the transfer
    curve is tagged BT.709 as editors expect, and the values are left alone.

    Raises `ValueError` for frames that are none, unlike or not numbers, `FileExistsError` if `path`
    exists, `DiskFullError` if the disk is full. Whatever happens, nothing is left behind and
    nothing is overwritten.
    """
    if os.path.lexists(path):
        # `publish` would find out at the end; this says so before an hour of frames.
        raise name_taken(path)
    with unfinished_file(path.parent) as temp:
        film = _encode(frames, temp, rate, quality, metadata)
        publish(temp, path)
    return replace(film, path=path)


def save_film(
    frames: Iterable[Tensor],
    folder: Path,
    prefix: str,
    rate: Fraction,
    quality: int,
    metadata: Mapping[str, str],
) -> WrittenVideo:
    """Encode `frames` to `folder/prefix_00001.mp4`, or to the next number that is free at the end.

    Makes the folder if need be. Any number of processes can save under one prefix at once. The
    rest is as in `write_h264`, plus `ValueError` for a prefix that cannot be part of a file name.
    """
    check_prefix(prefix)
    with clear_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with unfinished_file(folder) as temp:
        film = _encode(frames, temp, rate, quality, metadata)
        return replace(film, path=_publish_numbered(temp, folder, prefix))


def _publish_numbered(temp: Path, folder: Path, prefix: str) -> Path:
    while True:
        path = next_free_path(folder, prefix, ".mp4")
        try:
            publish(temp, path)
        except FileExistsError:
            # Somebody else was faster. Their film is there now, so the next number is higher.
            continue
        return path


def _encode(
    frames: Iterable[Tensor],
    file: Path,
    rate: Fraction,
    quality: int,
    metadata: Mapping[str, str],
) -> WrittenVideo:
    if not 0 < rate.numerator <= LARGEST_RATE_PART or rate.denominator > LARGEST_RATE_PART:
        raise ValueError(
            f"expected a frame rate above 0 as a small fraction, got {rate}: "
            "take it from exact_rate"
        )
    crf_of(quality)  # an impossible quality is said before the first frame is made
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("expected at least one frame, got no frames to write: check the input")
    height, width = _checked(first, 0, first.shape).shape[:2]
    film = FilmFormat(width + width % 2, height + height % 2, rate, quality)
    with open_film(file, film, metadata) as encoder:
        for number, picture in enumerate(chain((first,), pictures)):
            encoder.add(bt709_planes(_checked(picture, number, first.shape)))
    size = file.stat().st_size
    return WrittenVideo(file, film.width, film.height, encoder.frames, rate, size)


def _checked(picture: Tensor, number: int, expected: torch.Size) -> Tensor:
    """`picture` itself; `number` counts from 0, as ComfyUI's image batches do."""
    if picture.ndim != 3 or picture.shape[-1] != 3 or not picture.is_floating_point():
        raise ValueError(
            f"expected frames (height, width, 3) of floats in 0..1, got {tuple(picture.shape)} of "
            f"{picture.dtype} at frame {number}: convert to RGB without alpha"
        )
    height, width, _ = picture.shape
    if not 1 <= min(height, width) <= max(height, width) <= LONGEST_SIDE:
        raise ValueError(
            f"expected sides of 1 to {LONGEST_SIDE} pixels, which is what H.264 holds, got "
            f"{width}x{height} at frame {number}: scale the frames first"
        )
    if picture.shape != expected:
        raise ValueError(
            f"expected every frame to be {expected[1]}x{expected[0]} like the first, got "
            f"{width}x{height} at frame {number}: scale all frames to one size first"
        )
    if picture.isnan().any():
        raise ValueError(
            f"expected numbers in 0..1, got NaN in frame {number} (counted from 0): the step that "
            "made this frame overflowed, so run it at a higher precision"
        )
    return picture
