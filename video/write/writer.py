"""A stream of frames into a finished H.264 film in one go, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

from torch import Tensor

from ..disk import clear_disk_errors
from ..names import check_prefix
from ..publish import name_taken, publish, publish_numbered, unfinished_file
from .encoder import film_of, open_film
from .formats import FilmFormat, formats
from .frame_check import checked
from .planes import planes

H264 = "H.264 (mp4)"


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
        return replace(film, path=publish_numbered(temp, folder, prefix, ".mp4"))


def h264() -> FilmFormat:
    return formats()[H264]


def _encode(
    frames: Iterable[Tensor],
    file: Path,
    rate: Fraction,
    quality: int,
    metadata: Mapping[str, str],
) -> WrittenVideo:
    # An impossible rate or quality is said before the first frame is made.
    film_of(h264(), (2, 2), rate, quality)
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("expected at least one frame, got no frames to write: check the input")
    height, width, _ = checked(first, 0, first.shape[:2]).shape
    film = film_of(h264(), (height, width), rate, quality)
    with open_film(file, film, metadata) as encoder:
        for number, picture in enumerate(chain((first,), pictures)):
            picture = checked(picture, number, (height, width))
            encoder.add(planes(picture, film.layout, film.format.colour))
    size = file.stat().st_size
    return WrittenVideo(file, film.width, film.height, encoder.frames, rate, size)
