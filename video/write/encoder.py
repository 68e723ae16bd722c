"""Frames into a file of one codec, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ..disk import clear_disk_errors
from .formats import Colour, FilmFormat, check_quality
from .planes import Layout

# The numbers of ITU-T H.273 (primaries, transfer, matrix), and FFmpeg's of the range.
LIMITED, FULL = 1, 2
TAGS = {
    Colour.BT709: (1, 1, 1, LIMITED),
    Colour.RGB: (1, 1, 0, FULL),
    Colour.HDR10: (9, 16, 9, LIMITED),
    Colour.HLG: (9, 18, 9, LIMITED),
}

# Containers after ISO 14496-12.
ISO_CONTAINERS = ("mp4", "mov")

# mp4's own choice for the parts of a second that a film's whole length is counted in.
COARSEST_TIMESCALE = 1000
# Numerator and denominator have to fit FFmpeg's 32 bits, with room for the factors of timescales.
LARGEST_RATE_PART = 2**24


@dataclass(frozen=True)
class Film:
    """What a film is, apart from its frames; `width` and `height` in pixels as they are stored."""

    format: FilmFormat
    width: int
    height: int
    rate: Fraction
    quality: int
    alpha: bool = False

    @property
    def layout(self) -> Layout:
        pix_fmt = self.format.alpha_pix_fmt if self.alpha else None
        return Layout(pix_fmt or self.format.pix_fmt)


def film_of(
    described: FilmFormat, size: tuple[int, int], rate: Fraction, quality: int, alpha: bool = False
) -> Film:
    """The film that frames of `size` (height, width) become.

    Raises ValueError for a size, rate or quality that it cannot have.
    """
    if not 0 < rate.numerator <= LARGEST_RATE_PART or rate.denominator > LARGEST_RATE_PART:
        raise ValueError(
            f"expected a frame rate above 0 as a small fraction, got {rate}: "
            "take it from exact_rate"
        )
    check_quality(quality)
    height, width = size
    least_width, least_height = described.smallest
    longest = described.longest_side
    if width < least_width or height < least_height or max(size) > longest:
        raise ValueError(
            f"expected sides of {least_width}x{least_height} to {longest} pixels, which is what "
            f"{described.label} holds, got {width}x{height}: scale the frames first"
        )
    film = Film(described, width, height, rate, quality, alpha and bool(described.alpha_pix_fmt))
    height, width = film.layout.stored_size(height, width)
    return Film(described, width, height, rate, quality, film.alpha)


class FilmEncoder:
    """Takes the planes of one frame after the other; made by `open_film`."""

    def __init__(
        self, path: Path, container: OutputContainer, stream: VideoStream, film: Film
    ) -> None:
        self._path = path
        self._container = container
        self._stream = stream
        self._film = film
        self._packets = 0
        self.frames = 0

    def add(self, planes: Sequence[np.ndarray]) -> None:
        """Encode one frame: planes in the order of the film's pixel format."""
        frame = av.VideoFrame(self._film.width, self._film.height, self._film.layout.pix_fmt)
        for plane, values in zip(frame.planes, planes, strict=True):
            rows = np.frombuffer(plane, values.dtype).reshape(len(values), -1)
            rows[:, : values.shape[1]] = values
        _tag_frame(frame, self._film.format.colour)
        frame.pts = self.frames
        frame.time_base = 1 / self._film.rate
        self._write(frame)
        self.frames += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._write(None)

    def _write(self, frame: av.VideoFrame | None) -> None:
        packets = self._stream.encode(frame)
        for packet in packets:
            time_packet(packet, frame_number(packet, self._film.rate), self._packets, self._film)
            self._packets += 1
        with clear_disk_errors(self._path):
            self._container.mux(packets)


def frame_number(packet: Packet, rate: Fraction) -> int:
    """Which frame of its film a packet shows."""
    return round(packet.pts * packet.time_base * rate)


def time_packet(packet: Packet, number: int, written: int, film: Film) -> None:
    """Say when the packet of frame `number` is shown and, as number `written` of all, decoded.

    Encoders say so too, but x265 nothing sensible in a film shorter than its own delay.
    """
    packet.pts, packet.dts = number, written - film.format.reorder
    packet.time_base, packet.duration = 1 / film.rate, 1


@contextmanager
def open_film(path: Path, film: Film, metadata: Mapping[str, str]) -> Iterator[FilmEncoder]:
    """Create `path` and hand out an encoder for it; an error inside leaves an unfinished file.

    `metadata` becomes tags of the file. Raises `ValueError` if PyAV lacks the encoder or it takes
    no such film, and `OSError` (see `clear_disk_errors`) if the file cannot be written.
    """
    with film_file(path, film, metadata) as container:
        encoder = FilmEncoder(path, container, add_pictures(container, film), film)
        yield encoder
        encoder.finish()


@contextmanager
def film_file(path: Path, film: Film, metadata: Mapping[str, str]) -> Iterator[OutputContainer]:
    """Create `path` for packets; after the block it is complete and on the disk."""
    kind = film.format.container
    with clear_disk_errors(path):
        # FFmpeg takes "a:b" for a protocol called "a", unless the path starts at the root.
        options = _container_options(kind, film.rate)
        container = av.open(os.path.abspath(path), "w", format=kind, options=options)
    try:
        container.metadata.update(metadata)
        yield container
        with clear_disk_errors(path):
            container.close()
            # Network disks and quotas may only complain now, and a film that is published before
            # its bytes are down can come back empty after a power cut.
            flush_to_disk(path)
    finally:
        # Does nothing when it is closed. After an error the file must be let go of (Windows deletes
        # no open files), and a second error on the way must not hide the first.
        with suppress(av.error.FFmpegError):
            container.close()


def flush_to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _container_options(kind: str, rate: Fraction) -> dict[str, str]:
    if kind not in ISO_CONTAINERS:
        return {}
    # faststart puts the index first: browsers can play before the end has arrived, and ComfyUI
    # looks for the workflow in the first 64 MiB only. The film's length is counted in
    # movie_timescale, and its frames in the other, which have to be multiples of the rate's
    # numerator to be exact.
    timescale = str(rate.numerator * -(-COARSEST_TIMESCALE // rate.numerator))
    return {
        "movflags": "use_metadata_tags+faststart",
        "movie_timescale": timescale,
        "video_track_timescale": timescale,
    }


def add_pictures(container: OutputContainer, film: Film) -> VideoStream:
    """A stream for `film` in `container`; raises `ValueError` if PyAV has no encoder for it."""
    described = film.format
    options = described.encoder_options(film.width, film.height, film.quality)
    stream = _stream_of(container, described.encoder, rate=film.rate, options=options)
    stream.width, stream.height, stream.pix_fmt = film.width, film.height, film.layout.pix_fmt
    # Tags say how the pixels are to be read, they convert nothing: planes.py did that. A film
    # without them is guessed at, and players guess differently below 720 lines.
    context = stream.codec_context
    primaries, transfer, matrix, colour_range = TAGS[described.colour]
    context.color_primaries, context.color_trc = primaries, transfer
    context.colorspace, context.color_range = matrix, colour_range
    if described.tag:
        context.codec_tag = described.tag
    if film.alpha and described.container == "webm":
        stream.metadata["alpha_mode"] = "1"
    _open(stream, film)
    return stream


def _open(stream: VideoStream, film: Film) -> None:
    try:
        stream.codec_context.open()
    except av.error.FFmpegError as error:
        encoder = film.format.encoder
        raise ValueError(
            f"The {encoder} encoder of this PyAV (av {av.__version__}) does not take "
            f"{film.format.label} of {film.width}x{film.height}: {error}. Update it with pip "
            "install --upgrade av, or choose another format."
        ) from error


def _stream_of(
    container: OutputContainer, encoder: str, rate: Fraction | int, options: dict[str, str]
) -> VideoStream:
    try:
        return container.add_stream(encoder, rate=rate, options=options)
    except av.codec.codec.UnknownCodecError as error:
        raise missing_encoder(encoder) from error


def missing_encoder(encoder: str) -> ValueError:
    return ValueError(
        f"expected a PyAV with the {encoder} encoder, got one without (av {av.__version__}): "
        "reinstall it with pip install --force-reinstall av, or choose another format"
    )


def _tag_frame(frame: av.VideoFrame, colour: Colour) -> None:
    """ProRes writes these into every frame."""
    names = ("color_primaries", "color_trc", "colorspace", "color_range")
    for name, value in zip(names, TAGS[colour], strict=True):
        if hasattr(frame, name):  # PyAV before 16 has the last two only
            setattr(frame, name, value)
