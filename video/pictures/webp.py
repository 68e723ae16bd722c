"""Animated WebP (RFC 9649), with the graph where ComfyUI looks for it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..disk import clear_disk_errors
from .packets import Encoding, bgra_frame, encode
from .tiff import Value, tiff_file
from .timing import Timing

LOSSLESS = 100
# ComfyUI takes texts "name:value" from any of EXIF's tags; its own node counts down from Make.
GRAPH_TAG, FIRST_OTHER_TAG = 0x0110, 0x010F
# Of the chunk VP8X, which comes first and says what else there is.
ANIMATED, HAS_EXIF, HAS_ALPHA = 0x02, 0x08, 0x10
# In a chunk ANMF the frame's length follows 24 bits each of x, y, width and height.
LENGTH_OFFSET, LENGTH_BYTES = 12, 3
# RIFF, the file's size, WEBP.
HEAD = 12


def write_webp(
    frames: Iterable[np.ndarray],
    path: Path,
    timing: Timing,
    quality: int,
    plays: int,
    metadata: Mapping[str, str],
) -> int:
    """Write `frames` (H, W, 3 or 4) uint8; `timing` in milliseconds. Returns how many there were.

    libwebp keeps the compressed film until it is complete, and shows equal frames as one, longer.
    """
    kind = {"quality": str(quality), "lossless": str(int(quality == LOSSLESS))}
    encoding = Encoding("webp", "libwebp_anim", "bgra", kind, {"loop": str(plays)})
    shape: tuple[int, ...] = ()

    def timed() -> Iterator:
        nonlocal shape
        for number, frame in enumerate(frames):
            shape = frame.shape
            yield bgra_frame(frame, timing.start(number))

    count = encode(timed(), path, encoding, timing.tick)
    with clear_disk_errors(path), path.open("rb+") as file:
        if not any(name == b"ANMF" for name, _ in _chunks(file)):
            _make_animation(file, shape, plays)
        _set_length(file, timing.start(count))
        if metadata:
            _append_exif(file, metadata)
        file.flush()
        os.fsync(file.fileno())
    return count


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The name of every chunk and where its content starts."""
    end = file.seek(0, os.SEEK_END)
    place = HEAD
    while place + 8 <= end:
        file.seek(place)
        name, size = struct.unpack("<4sI", file.read(8))
        yield name, place + 8
        place += 8 + size + size % 2


def _make_animation(file: BinaryIO, shape: tuple[int, ...], plays: int) -> None:
    """Give a still picture a length: libwebp makes one of frames that are all the same."""
    start = next(place - 8 for name, place in _chunks(file) if name != b"VP8X")
    file.seek(start)
    picture = file.read()
    height, width, channels = shape
    size = _bits24(width - 1) + _bits24(height - 1)
    flags = ANIMATED | (HAS_ALPHA if channels == 4 else 0)
    transparent = bytes(4)
    file.seek(HEAD)
    file.write(_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size))
    file.write(_chunk(b"ANIM", transparent + struct.pack("<H", plays)))
    file.write(_chunk(b"ANMF", bytes(6) + size + bytes(LENGTH_BYTES + 1) + picture))
    _set_size(file)


def _set_length(file: BinaryIO, milliseconds: int) -> None:
    """Give the last frame what is left of the film: libwebp only knew when it starts."""
    places = [place + LENGTH_OFFSET for name, place in _chunks(file) if name == b"ANMF"]
    for place in places[:-1]:
        file.seek(place)
        milliseconds -= int.from_bytes(file.read(LENGTH_BYTES), "little")
    file.seek(places[-1])
    file.write(_bits24(milliseconds))


def _append_exif(file: BinaryIO, metadata: Mapping[str, str]) -> None:
    others = [name for name in metadata if name != "prompt"]
    tags = {FIRST_OTHER_TAG - n: _told(name, metadata) for n, name in enumerate(others)}
    if "prompt" in metadata:
        tags[GRAPH_TAG] = _told("prompt", metadata)
    flags = next(place for name, place in _chunks(file) if name == b"VP8X")
    file.seek(flags)
    before = file.read(1)[0]
    file.seek(flags)
    file.write(bytes([before | HAS_EXIF]))
    file.seek(0, os.SEEK_END)
    file.write(_chunk(b"EXIF", tiff_file(tags)))
    _set_size(file)


def _told(name: str, metadata: Mapping[str, str]) -> Value:
    return Value.text(f"{name}:{metadata[name]}")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def _bits24(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _set_size(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END) - 8
    file.seek(4)
    file.write(struct.pack("<I", size))
