"""Frames into an H.264 mp4 file, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from .disk import clear_disk_errors

ENCODER = "libx264"
# CRF of quality 0 (the worst that H.264 has) and of quality 100 (no visible difference).
WORST_CRF, BEST_CRF = 51.0, 9.0

# x264's macroblock tree takes four blocks of 16 pixels at once, and past the right edge it takes in
# what happens to be in memory: at other widths the same frames gave another film on every run.
MACROBLOCK_TREE_STEP = 64

# The numbers of ITU-T H.273: primaries, transfer and matrix of BT.709; limited range in FFmpeg's.
BT709 = 1
LIMITED_RANGE = 1

# mp4's own choice for the parts of a second that a film's whole length is counted in.
COARSEST_TIMESCALE = 1000


@dataclass(frozen=True)
class FilmFormat:
    """What a film is, apart from its frames. `width` and `height` in pixels, both even."""

    width: int
    height: int
    rate: Fraction
    quality: int


def crf_of(quality: int) -> float:
    """x264's constant rate factor for a quality in 0..100; linear, 80 -> 17.4, 100 -> 9."""
    if not 0 <= quality <= 100:
        raise ValueError(f"expected a quality in 0..100, got {quality}: 80 suits most films")
    return round(WORST_CRF + (BEST_CRF - WORST_CRF) * quality / 100, 2)


class FilmEncoder:
    """Takes the planes of one frame after the other; made by `open_film`."""

    def __init__(
        self, path: Path, container: OutputContainer, stream: VideoStream, rate: Fraction
    ) -> None:
        self._path = path
        self._container = container
        self._stream = stream
        self._tick = 1 / rate
        self.frames = 0

    def add(self, planes: np.ndarray) -> None:
        """Encode one frame, `yuv420p` planes (H * 3 / 2, W) uint8."""
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = self.frames
        frame.time_base = self._tick
        self._write(frame)
        self.frames += 1

    def finish(self) -> None:
        """Write what the encoder still holds and the index; the file is complete after this."""
        self._write(None)
        with clear_disk_errors(self._path):
            self._container.close()
            # Network disks and quotas may only complain now, and a film that is published before
            # its bytes are down can come back empty after a power cut.
            with self._path.open("rb+") as file:
                os.fsync(file.fileno())

    def _write(self, frame: av.VideoFrame | None) -> None:
        packets = self._stream.encode(frame)
        with clear_disk_errors(self._path):
            self._container.mux(packets)


@contextmanager
def open_film(path: Path, film: FilmFormat, metadata: Mapping[str, str]) -> Iterator[FilmEncoder]:
    """Create `path` and hand out an encoder for it; an error inside leaves an unfinished file.

    `metadata` becomes tags of the file. Raises `ValueError` if PyAV has no x264, and `OSError` (see
    `clear_disk_errors`) if the file cannot be written.
    """
    with clear_disk_errors(path):
        # FFmpeg takes "a:b" for a protocol called "a", unless the path starts at the root.
        container = av.open(
            os.path.abspath(path), "w", format="mp4", options=_container_options(film.rate)
        )
    try:
        container.metadata.update(metadata)
        encoder = FilmEncoder(path, container, _add_stream(container, film), film.rate)
        yield encoder
        encoder.finish()
    finally:
        # Does nothing after `finish`. After an error the file must be let go of (Windows deletes
        # no open files), and a second error on the way must not hide the first.
        with suppress(av.error.FFmpegError):
            container.close()


def _container_options(rate: Fraction) -> dict[str, str]:
    # faststart puts the index first: browsers can play before the end has arrived, and ComfyUI
    # looks for the workflow in the first 64 MiB only. The film's length is counted in
    # movie_timescale, which has to be a multiple of the rate's numerator to be exact.
    timescale = rate.numerator * -(-COARSEST_TIMESCALE // rate.numerator)
    return {"movflags": "use_metadata_tags+faststart", "movie_timescale": str(timescale)}


def _add_stream(container: OutputContainer, film: FilmFormat) -> VideoStream:
    options = {"crf": str(crf_of(film.quality)), "preset": "medium"}
    if film.width % MACROBLOCK_TREE_STEP:
        options["mbtree"] = "0"
    try:
        stream = container.add_stream(ENCODER, rate=film.rate, options=options)
    except av.codec.codec.UnknownCodecError as error:
        raise ValueError(
            f"expected a PyAV with the {ENCODER} encoder, got one without (av {av.__version__}): "
            "reinstall it with pip install --force-reinstall av"
        ) from error
    stream.width, stream.height, stream.pix_fmt = film.width, film.height, "yuv420p"
    # Tags say how the pixels are to be read, they convert nothing: colour.py did that. A film
    # without them is guessed at, and players guess differently below 720 lines.
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED_RANGE
    return stream
