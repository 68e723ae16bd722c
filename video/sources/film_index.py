"""Which frames a film has, in the order in which they are seen, without decoding them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from ..rate import HIGHEST_RATE, NAME_TOLERANCE, exact_rate
from .film_pixels import has_alpha

# Containers and codecs whose packets each are one frame, at the time at which it is seen. AVI has
# no times, VP8 has packets that show nothing.
TELLING_CONTAINERS = frozenset({"mov", "mp4", "matroska", "webm", "mpegts"})
SILENT_CODECS = frozenset({"vp8", "gif"})
LARGEST_RATE_PART = 2**24  # of a fraction that encoders take

# A film that ends this much before its header says has lost its end.
LOST_SHARE, LOST_SECONDS = 0.02, 0.5

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # of Matroska
HEAD_BYTES = 4096


@dataclass(frozen=True, eq=False)
class FilmIndex:
    """`times[n]` is when frame n is seen, in `unit`s (s), or None where packets do not tell.

    `keys` are the times of the frames that decoding can start at. `height` and `width` are those of
    the picture as it is stored, before it is turned by `rotation` (degrees anticlockwise).
    """

    count: int
    times: np.ndarray | None
    keys: np.ndarray
    height: int
    width: int
    alpha: bool
    rotation: int
    rate: Fraction | None
    unit: Fraction

    @property
    def begins(self) -> Fraction:
        """When the first frame is seen, in seconds."""
        return Fraction(0) if self.times is None else int(self.times[0]) * self.unit


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one sentence that `path` cannot be read; raises FileNotFoundError or ValueError."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {path}: check the path.") from error
    except (PermissionError, IsADirectoryError) as error:
        raise ValueError(
            f"{path} cannot be opened ({error.strerror}): choose a film that ComfyUI may read."
        ) from error
    except av.error.FFmpegError as error:
        raise ValueError(
            f"{path.name} cannot be read as a film ({error.strerror}): it is truncated, damaged "
            f"or of an unknown kind; copy it again, or convert it to MP4."
        ) from error


def open_film(path: Path) -> InputContainer:
    # FFmpeg takes "a:b" for a protocol called "a", unless the path starts at the root.
    return av.open(os.path.abspath(path))


def film_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of pictures that is no cover; decoded by as many threads as there are."""
    if not container.streams.video:
        raise ValueError(f"{path.name} has no pictures, only sound or data: choose a film.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def film_decoder(stream: VideoStream) -> av.VideoCodecContext:
    """A decoder for the packets of `stream`, which sees their alpha where they have it."""
    name = {"vp9": "libvpx-vp9", "vp8": "libvpx"}.get(stream.codec_context.codec.name)
    if name in av.codecs_available and stream.metadata.get("alpha_mode") == "1":
        return av.CodecContext.create(name, "r")
    return stream.codec_context


def index_of(path: Path) -> FilmIndex:
    """The index of the film at `path`, kept as long as the file stays as it is.

    Raises FileNotFoundError, and ValueError for a file that is unreadable, truncated, or no film.
    """
    with readable(path):
        found = path.stat()
    return _index(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _index(path: Path, changed: int, size: int) -> FilmIndex:
    if _matroska_is_cut(path, size):
        raise _truncated(path)
    with readable(path):
        with open_film(path) as container:
            first = _first_frame(container, path)
        with open_film(path) as container:
            stream = film_stream(container, path)
            times, keys = _told_by_packets(container, stream, path)
            rate = _exact(stream.average_rate or stream.guessed_rate)
            unit = stream.time_base
        count = _decoded_count(path) if times is None else len(times)
    rotation = getattr(first, "rotation", 0)  # PyAV 14.1 and newer
    alpha = has_alpha(first.format)
    return FilmIndex(count, times, keys, first.height, first.width, alpha, rotation, rate, unit)


def _first_frame(container: InputContainer, path: Path) -> av.VideoFrame:
    stream = film_stream(container, path)
    decoder = film_decoder(stream)
    for packet in container.demux(stream):
        for frame in decoder.decode(packet):
            return frame
    raise ValueError(f"{path.name} has no frame that can be decoded: it is empty or damaged.")


def _told_by_packets(
    container: InputContainer, stream: VideoStream, path: Path
) -> tuple[np.ndarray | None, np.ndarray]:
    times, keys, end = [], [], 0.0
    for packet in container.demux():
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != stream.index or not packet.size:
            continue
        if packet.is_corrupt:
            raise _truncated(path)
        if packet.pts is None:
            return None, np.zeros(0, np.int64)
        if not packet.is_discard:  # what an edit list leaves out is decoded and not shown
            times.append(packet.pts)
        if packet.is_keyframe:
            keys.append(packet.pts)
    _check_length(container, end, path)
    times, keys = np.array(sorted(times), np.int64), np.array(keys, np.int64)
    return (times if _tells(container, stream, times, keys) else None), keys


def _check_length(container: InputContainer, end: float, path: Path) -> None:
    begins = (container.start_time or 0) / av.time_base
    told = (container.duration or 0) / av.time_base
    if end - begins < told * (1 - LOST_SHARE) - LOST_SECONDS:
        raise _truncated(path)


def _matroska_is_cut(path: Path, size: int) -> bool:
    """Whether a Matroska or WebM file is shorter than its segment says (RFC 8794, section 4.4)."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    at = head.find(SEGMENT)
    if not head.startswith(EBML) or not 0 < at < len(head) - 12:
        return False
    at += len(SEGMENT)
    width = 9 - head[at].bit_length()
    limit = 1 << (7 * width)
    told = int.from_bytes(head[at : at + width], "big") % limit
    return told < limit - 1 and at + width + told > size  # all ones: a live stream of any length


def _truncated(path: Path) -> ValueError:
    return ValueError(
        f"{path.name} is truncated: it ends before its header says; copy or download it again."
    )


def _tells(
    container: InputContainer, stream: VideoStream, times: np.ndarray, keys: np.ndarray
) -> bool:
    """Whether every packet is a frame at its time, and every frame follows a key."""
    if not len(times) or not len(keys) or stream.codec_context.codec.name in SILENT_CODECS:
        return False
    only_keys = len(keys) >= len(times)
    known = TELLING_CONTAINERS & set(container.format.name.split(","))
    apart = all(a < b for a, b in pairwise(times))
    return apart and keys[0] <= times[0] and bool(only_keys or known)


def _decoded_count(path: Path) -> int:
    with open_film(path) as container:
        stream = film_stream(container, path)
        decoder = film_decoder(stream)
        return sum(len(decoder.decode(packet)) for packet in container.demux(stream))


def _exact(rate: Fraction | None) -> Fraction | None:
    """The rate itself, or what it is a rounded name of."""
    if not rate or rate > HIGHEST_RATE:
        return None
    named = exact_rate(float(rate))
    is_name = named.denominator in (1, 1001) and abs(named - rate) < NAME_TOLERANCE
    too_long = max(rate.numerator, rate.denominator) > LARGEST_RATE_PART
    return named if is_name or too_long else Fraction(rate)
