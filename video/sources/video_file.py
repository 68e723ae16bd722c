"""Frames of a film in a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import torch
from av.container import InputContainer
from av.video.stream import VideoStream
from torch import Tensor

from ..ahead import ahead
from ..fingerprint import file_fingerprint, fingerprint
from ..stream import Clip
from .film_index import FilmIndex, film_decoder, film_stream, index_of, open_film, readable
from .film_pixels import rgb_of


@dataclass(frozen=True)
class VideoFile:
    """The film at `path`, decoded ahead in a thread: RGB, or RGBA where its format has alpha.

    Frame n is the same wherever a pull starts. `rate` is taken where the file names none. What is
    asked of it raises FileNotFoundError, or ValueError for a file that is no film, unreadable,
    truncated or damaged.
    """

    path: Path
    rate: Fraction | None = None

    @property
    def clip(self) -> Clip:
        found = index_of(self.path)
        height, width = found.height, found.width
        if found.rotation % 180:
            height, width = width, height
        return Clip(found.count, height, width, 3 + found.alpha, found.rate or self.rate)

    def frames(self, start: int) -> Iterator[Tensor]:
        return ahead(self._decoded(start))

    def fingerprint(self) -> str:
        with readable(self.path):
            found = self.path.stat()
        return fingerprint(
            _bytes_fingerprint(self.path, found.st_mtime_ns, found.st_size), self.rate
        )

    def number_at(self, seconds: float) -> int:
        """The first frame that is seen at this time of the file or later; `count` for none."""
        index = index_of(self.path)
        if index.times is None:
            rate = self.clip.rate or Fraction(1)
            return min(index.count, math.ceil(Fraction(seconds).limit_denominator(10**6) * rate))
        return int(np.searchsorted(index.times, math.floor(seconds / index.unit)))

    def _decoded(self, start: int) -> Iterator[Tensor]:
        index = index_of(self.path)
        shape = (index.height, index.width, 3 + index.alpha)
        number = start
        with readable(self.path):
            for frame in _frames_from(self.path, index, start):
                pixels = rgb_of(frame)
                if pixels.shape != shape:
                    raise ValueError(
                        f"Frame {number} of {self.path.name} is {frame.width}x{frame.height}, the "
                        f"first one {index.width}x{index.height}: convert the film to one size."
                    )
                yield torch.rot90(pixels, index.rotation // 90).contiguous()
                number += 1
        if number < index.count:
            raise _broken(self.path, number)


@lru_cache(maxsize=32)
def _bytes_fingerprint(path: Path, changed: int, size: int) -> str:
    return file_fingerprint(path)


def _broken(path: Path, number: int) -> ValueError:
    return ValueError(
        f"Frame {number} of {path.name} cannot be decoded: the film is damaged there; trim it "
        "before, or copy it again."
    )


def _frames_from(path: Path, index: FilmIndex, start: int) -> Iterator[av.VideoFrame]:
    if start >= index.count:
        return
    if index.times is None:
        yield from _counted(path, start)
        return
    expected = start
    for frame in _decoded_near(path, index, start):
        if frame.pts is None or frame.pts < index.times[start]:
            continue  # on the way from the key to the first frame that is asked for
        if expected >= index.count or frame.pts != index.times[expected]:
            raise _broken(path, expected)
        yield frame
        expected += 1


def _counted(path: Path, start: int) -> Iterator[av.VideoFrame]:
    """From the film's first packet on, for a film whose packets do not tell where frames are."""
    number = 0
    with open_film(path) as container:
        stream = film_stream(container, path)
        decoder = film_decoder(stream)
        for packet in container.demux(stream):
            for frame in decoder.decode(packet):
                if number >= start:
                    yield frame
                number += 1


def _decoded_near(path: Path, index: FilmIndex, start: int) -> Iterator[av.VideoFrame]:
    """Frames from the last key before frame `start` on, or from the beginning."""
    before = index.keys[index.keys <= index.times[start]]
    key = int(before.max())
    for seeks in (True, False):
        with open_film(path) as container:
            stream = film_stream(container, path)
            decoder = film_decoder(stream)
            packets = _packets_from(container, stream, key, seeks and key > index.keys[0])
            found = False
            for packet in packets:
                found = True
                yield from decoder.decode(packet)
            if found:
                return


def _packets_from(
    container: InputContainer, stream: VideoStream, key: int, seeks: bool
) -> Iterator[av.Packet]:
    """Packets from the key at time `key` on; none if a seek went past it."""
    if seeks:
        container.seek(key, stream=stream)
    reached = False
    for packet in container.demux(stream):
        if packet.is_keyframe and packet.pts is not None and not reached:
            reached = packet.pts == key
            if seeks and packet.pts > key:
                return
        if reached:
            yield packet
