"""PNG files with text in them, 8 or 16 bits a channel (W3C PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np

from ...drawing import opencv as cv2

# The signature and the chunk IHDR, which come first in every file.
HEAD = 8 + 25
# zlib's 1 takes a third of the time of its 6, and the filtered rows hardly get larger.
LEVEL = 1
PERCEPTUAL = 0
LONGEST_KEYWORD = 79


def encode_png(pixels: np.ndarray, metadata: Mapping[str, str]) -> bytes:
    """`pixels` (H, W, 3 or 4) uint8 or uint16, RGB or RGB with straight alpha, as a PNG file.

    The file says that it is sRGB. `metadata` become text chunks, in which ComfyUI finds `prompt`
    and `workflow`.
    """
    order = cv2.COLOR_RGB2BGR if pixels.shape[-1] == 3 else cv2.COLOR_RGBA2BGRA
    _, encoded = cv2.imencode(
        ".png", cv2.cvtColor(pixels, order), [cv2.IMWRITE_PNG_COMPRESSION, LEVEL]
    )
    file = encoded.tobytes()
    texts = [_text(keyword, text) for keyword, text in metadata.items()]
    return b"".join((file[:HEAD], _chunk(b"sRGB", bytes([PERCEPTUAL])), *texts, file[HEAD:]))


def _text(keyword: str, text: str) -> bytes:
    name = keyword.encode("latin-1", "replace")[:LONGEST_KEYWORD] + b"\0"
    try:
        return _chunk(b"tEXt", name + text.encode("latin-1"))
    except UnicodeEncodeError:  # and iTXt holds UTF-8
        # Not compressed, no language, no translated keyword.
        return _chunk(b"iTXt", name + b"\0\0\0\0" + text.encode())


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
