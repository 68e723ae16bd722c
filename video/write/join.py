"""Finished segments into one film: their packets are copied, not encoded again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ..disk import clear_disk_errors
from ..sources.sound import Sound
from .encoder import ISO_CONTAINERS, Film, add_pictures, film_file, frame_number, time_packet
from .sound import add_sound, sound_packets


def join_segments(
    segments: Sequence[tuple[Path, int]],
    path: Path,
    film: Film,
    sound: Sound | None,
    metadata: Mapping[str, str],
) -> None:
    """Write the film `path` of `segments` (file, frames), with `sound` of the same length.

    Every frame gets its exact time, whatever the container of the segments could say. Constant
    memory. Raises `OSError` as `clear_disk_errors` words it.
    """
    with film_file(path, film, metadata) as container:
        stream = _stream_like(segments[0][0], container, film)
        pictures = _timed(_packets(segments, stream, film))
        heard: Iterator[tuple[float, Packet]] = iter(())
        if sound is not None:
            heard = _timed(sound_packets(add_sound(container, film.format.sound, sound), sound))
        for _, packet in merge(pictures, heard, key=lambda timed: timed[0]):
            with clear_disk_errors(path):
                container.mux(packet)


def _stream_like(segment: Path, container: OutputContainer, film: Film) -> VideoStream:
    """A stream for the packets of such segments."""
    if film.format.container not in ISO_CONTAINERS:
        # An encoder that gets no frames: it tells the container the rate, which a copy does not.
        return add_pictures(container, film)
    with av.open(os.path.abspath(segment)) as source:
        # Packets in these containers are laid out as the segment's header says, not the encoder's.
        stream = container.add_stream_from_template(source.streams.video[0], opaque=True)
    if film.format.tag:
        stream.codec_context.codec_tag = film.format.tag
    return stream


def _packets(
    segments: Sequence[tuple[Path, int]], stream: VideoStream, film: Film
) -> Iterator[Packet]:
    before = written = 0
    for segment, frames in segments:
        with av.open(os.path.abspath(segment)) as source:
            for packet in source.demux(source.streams.video[0]):
                if packet.size:  # the one that ends the file has none
                    time_packet(packet, before + frame_number(packet, film.rate), written, film)
                    packet.stream = stream
                    written += 1
                    yield packet
        before += frames


def _timed(packets: Iterator[Packet]) -> Iterator[tuple[float, Packet]]:
    for packet in packets:
        yield (
            float((packet.dts if packet.dts is not None else packet.pts) * packet.time_base),
            packet,
        )
