"""Frames of whole numbers through one of FFmpeg's encoders into a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np

from ..disk import clear_disk_errors


@dataclass(frozen=True)
class Encoding:
    """FFmpeg's names of a container, an encoder, a pixel format, and of their options."""

    container: str
    encoder: str
    pixels: str
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)


def decode(path: Path) -> Iterator[av.VideoFrame]:
    """The frames of a file, one at a time."""
    with av.open(os.path.abspath(path)) as container:
        yield from container.decode(video=0)


def bgra_frame(pixels: np.ndarray, number: int = 0) -> av.VideoFrame:
    """(H, W, 3 or 4) uint8, red first -> FFmpeg's frame at time `number`."""
    height, width, channels = pixels.shape
    bgra = np.empty((height, width, 4), np.uint8)
    bgra[..., :3] = pixels[..., 2::-1]
    bgra[..., 3] = pixels[..., 3] if channels == 4 else 255
    frame = av.VideoFrame.from_ndarray(bgra, format="bgra")
    frame.pts = number
    return frame


def encode(frames: Iterable[av.VideoFrame], path: Path, encoding: Encoding, tick: Fraction) -> int:
    """Write `frames`, whose times are in ticks of `tick` seconds, to `path`; returns their count.

    Raises OSError as `clear_disk_errors` words it.
    """
    count, stream = 0, None
    with clear_disk_errors(path):
        container = av.open(
            os.path.abspath(path),
            "w",
            format=encoding.container,
            options=dict(encoding.container_options),
        )
    try:
        for frame in frames:
            if stream is None:
                stream = _stream(container, encoding, frame, tick)
            frame.time_base = tick
            packets = stream.encode(frame)
            with clear_disk_errors(path):
                container.mux(packets)
            count += 1
        packets = stream.encode(None) if stream else []
        with clear_disk_errors(path):
            container.mux(packets)
            container.close()
    finally:
        # Does nothing when all went well, and must not hide what went wrong.
        with suppress(av.error.FFmpegError):
            container.close()
    return count


def _stream(
    container: av.container.OutputContainer,
    encoding: Encoding,
    frame: av.VideoFrame,
    tick: Fraction,
) -> av.video.stream.VideoStream:
    stream = container.add_stream(encoding.encoder, options=dict(encoding.options))
    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, encoding.pixels
    stream.codec_context.time_base = stream.time_base = tick
    return stream
