"""TIFF files that every program reads: one uncompressed strip (TIFF 6.0, baseline RGB).

OpenCV writes TIFF too, but does not say that a fourth channel is alpha, and that it is straight.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

RGB, UNASSOCIATED_ALPHA, INCH = 2, 2, 2


@dataclass(frozen=True)
class Value:
    """What a tag of a TIFF file says: `count` things of a `kind`, packed as little-endian bytes."""

    SHORT: ClassVar[int] = 3
    LONG: ClassVar[int] = 4

    kind: int
    count: int
    data: bytes

    @classmethod
    def shorts(cls, *numbers: int) -> Value:
        return cls(cls.SHORT, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers))

    @classmethod
    def long(cls, number: int) -> Value:
        return cls(cls.LONG, 1, struct.pack("<I", number))

    @classmethod
    def ratio(cls, above: int, below: int) -> Value:
        return cls(5, 1, struct.pack("<2I", above, below))

    @classmethod
    def text(cls, text: str) -> Value:
        data = text.encode() + b"\0"
        return cls(2, len(data), data)


def encode_tiff(pixels: np.ndarray, metadata: Mapping[str, str]) -> bytes:
    """`pixels` (H, W, 3 or 4) uint8 or uint16, RGB or RGB with straight alpha, as a TIFF file.

    `metadata` becomes the image description, as JSON.
    """
    height, width, channels = pixels.shape
    data = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    tags = {
        256: Value.long(width),
        257: Value.long(height),
        258: Value.shorts(*[8 * pixels.itemsize] * channels),
        259: Value.shorts(1),  # no compression
        262: Value.shorts(RGB),
        273: Value.long(HEADER.size),  # where the one strip starts
        277: Value.shorts(channels),
        278: Value.long(height),
        279: Value.long(len(data)),
        282: Value.ratio(72, 1),
        283: Value.ratio(72, 1),
        284: Value.shorts(1),  # the channels of a pixel stand together
        296: Value.shorts(INCH),
    }
    if channels == 4:
        tags[338] = Value.shorts(UNASSOCIATED_ALPHA)
    if metadata:
        tags[270] = Value.text(json.dumps(dict(metadata)))
    return tiff_file(tags, data)


HEADER = struct.Struct("<2sHI")


def tiff_file(tags: Mapping[int, Value], data: bytes = b"") -> bytes:
    """A little-endian TIFF file of `data` and a directory of `tags` after it."""
    data += bytes(len(data) % 2)  # directories and values start at even places
    start = HEADER.size + len(data)
    place = start + 2 + 12 * len(tags) + 4
    entries, values = [struct.pack("<H", len(tags))], []
    for number, value in sorted(tags.items()):
        field = value.data
        if len(field) > 4:
            values.append(field + bytes(len(field) % 2))
            field = struct.pack("<I", place)
            place += len(values[-1])
        entries.append(struct.pack("<HHI4s", number, value.kind, value.count, field))
    end = struct.pack("<I", 0)  # no other directory
    return b"".join((HEADER.pack(b"II", 42, start), data, *entries, end, *values))
