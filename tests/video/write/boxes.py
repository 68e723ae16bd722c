"""Just enough of ISO 14496-12 to look into an mp4 file without the library that wrote it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

# Boxes that hold boxes, and the bytes of their own before those.
CONTAINERS = {"moov": 0, "trak": 0, "mdia": 0, "minf": 0, "stbl": 0, "stsd": 8, "avc1": 78}


def walk(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every box in the order of the file, as (type, content)."""
    start = 0
    while start + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        content = data[start + 8 : start + size]
        name = kind.decode("latin-1")
        yield name, content
        if name in CONTAINERS:
            yield from walk(content[CONTAINERS[name] :])
        start += max(size, 8)


def boxes(film: Path) -> list[tuple[str, bytes]]:
    return list(walk(film.read_bytes()))
