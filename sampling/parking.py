"""Activations of a whole clip that wait: on the device, in host memory, or in a file.

A clip is kept as bands of pixels with all of their frames, each band in one piece of memory, so
that time is a band and a frame is one slice of every band.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import gcd, prod
from pathlib import Path
from weakref import WeakSet

import torch
from torch import Tensor

from .pinned import Arrival, host_tensor, lane_for
from .spill import file_memory

BAND = 2**24  # elements of a band, whatever the memory: the same pieces give the same pixels
WIDE = 64  # pixels that a band is a multiple of, where the picture is large enough

Shape = tuple[int, ...]
Finish = Callable[[], Tensor]


class Place(Enum):
    DEVICE = "on the device"
    HOST = "in host memory"
    FILE = "in a file"


@dataclass
class Band:
    """Pixels `start` to `stop`, counted along the rows: values (T, C, stop - start)."""

    start: int
    stop: int
    values: Tensor
    place: Place


def band_bounds(shape: Shape) -> list[tuple[int, int]]:
    """First and last pixel of the bands of a clip (T, C, H, W)."""
    frames, channels, height, width = shape
    wide = gcd(WIDE, height * width)
    size = max(wide, BAND // (frames * channels) // wide * wide)
    starts = range(0, height * width, size)
    return [(start, min(start + size, height * width)) for start in starts]


@dataclass
class Parking:
    """Where clips wait, the nearest place with room first, and what of it was used.

    `device_room` and `host_room` are in bytes. `new_in_host` makes host memory, or gives None
    when there is none left; the files are made in `folder`.
    """

    device: torch.device
    device_room: int
    host_room: int
    folder: Path
    new_in_host: Callable[[Shape, torch.dtype], Tensor | None] | None = None
    peak: dict[Place, int] = field(default_factory=lambda: dict.fromkeys(Place, 0))

    def __post_init__(self) -> None:
        self.lane = lane_for(self.device)
        self.clips: WeakSet[ParkedClip] = WeakSet()  # a clip that is dropped has left its place
        self._sent: tuple[Tensor, Arrival] | None = None

    def park(self, shape: Shape, dtype: torch.dtype) -> ParkedClip:
        """Room for a clip (T, C, H, W)."""
        bounds = band_bounds(shape)
        shapes = [(*shape[:2], stop - start) for start, stop in bounds]
        clip = ParkedClip(self, shape, dtype)
        self.clips.add(clip)
        for bound, found in zip(bounds, self._memory(shapes, dtype), strict=True):
            clip.bands.append(Band(*bound, *found))
        for place in Place:
            self.peak[place] = max(self.peak[place], self.held(place))
        return clip

    def leave_device(self, clip: ParkedClip) -> None:
        """Move what waits on the device elsewhere, band by band; from now on nothing does."""
        self.device_room = 0
        self.settle()
        moving = [band for band in clip.bands if band.place is Place.DEVICE]
        memory = self._memory([tuple(band.values.shape) for band in moving], clip.dtype)
        for band, (values, place) in zip(moving, memory, strict=True):
            values.copy_(band.values)
            band.values, band.place = values, place

    def send(self, buffer: Tensor, to: list[Tensor], pieces: list[Tensor]) -> None:
        """Copy pieces of `buffer` away from the device behind what is computed next."""
        self.settle()
        arrival = self.lane.carry(buffer, zip(to, pieces, strict=True))
        self._sent = buffer, arrival

    def settle(self) -> None:
        """Wait until what was sent has arrived: one buffer at most is under way."""
        if self._sent is not None:
            self._sent[1].synchronize()
            self._sent = None

    def beside(self, shape: Shape, dtype: torch.dtype) -> Tensor:
        """Memory off the device, for a moment."""
        values, _ = next(self._memory([shape], dtype, device=False))
        return values

    def on_device(self, shape: Shape, dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=self.device)

    def in_host(self, shape: Shape, dtype: torch.dtype) -> Tensor | None:
        if self.new_in_host is not None:
            return self.new_in_host(shape, dtype)
        return host_tensor(shape, dtype, pinned=self.device.type == "cuda")

    def held(self, place: Place) -> int:
        """Bytes that wait there now."""
        bands = [band for clip in self.clips for band in clip.bands]
        return sum(band.values.nbytes for band in bands if band.place is place)

    def _memory(
        self, shapes: list[Shape], dtype: torch.dtype, device: bool = True
    ) -> Iterator[tuple[Tensor, Place]]:
        device_room = self.device_room - self.held(Place.DEVICE) if device else 0
        host_room = self.host_room - self.held(Place.HOST)
        for index, shape in enumerate(shapes):
            size = prod(shape) * dtype.itemsize
            if size <= device_room:
                device_room -= size
                yield self.on_device(shape, dtype), Place.DEVICE
                continue
            values = self.in_host(shape, dtype) if size <= host_room else None
            if values is None:
                yield from self._in_file(shapes[index:], dtype)
                return
            host_room -= size
            yield values, Place.HOST

    def _in_file(self, shapes: list[Shape], dtype: torch.dtype) -> Iterator[tuple[Tensor, Place]]:
        sizes = [prod(shape) * dtype.itemsize for shape in shapes]
        pieces = file_memory(sum(sizes), self.folder).split(sizes)
        for piece, shape in zip(pieces, shapes, strict=True):
            yield piece.view(dtype).view(shape), Place.FILE


@dataclass(eq=False)
class ParkedClip:
    """Activations (T, C, H, W) in bands.

    What is read begins to come when it is asked for, and the function given back waits for it.
    """

    parking: Parking
    shape: Shape
    dtype: torch.dtype
    bands: list[Band] = field(default_factory=list)

    def frames(self, part: slice) -> Finish:
        """Frames (n, C, H, W) on the device, in memory of their own."""
        count, channels = part.stop - part.start, self.shape[1]
        away = [band for band in self.bands if band.place is not Place.DEVICE]
        buffer, pieces = self._buffer(count, away)
        sources = [band.values[part] for band in away]
        arrival = self.parking.lane.carry(buffer, zip(pieces, sources, strict=True))

        def finish() -> Tensor:
            arrival.wait()
            frames = self.parking.on_device((count, channels, prod(self.shape[2:])), self.dtype)
            arrived = iter(pieces)
            for band in self.bands:
                here = band.values[part] if band.place is Place.DEVICE else next(arrived)
                frames[:, :, band.start : band.stop] = here
            return frames.view(count, *self.shape[1:])

        return finish

    def put_frames(self, part: slice, frames: Tensor) -> None:
        """Write frames (n, C, H, W); all memory is taken before the first of them is changed."""
        pixels = frames.flatten(2)
        away = [band for band in self.bands if band.place is not Place.DEVICE]
        self.parking.settle()
        buffer, pieces = self._buffer(len(frames), away)
        for band, piece in zip(away, pieces, strict=True):
            piece.copy_(pixels[:, :, band.start : band.stop])
        for band in self.bands:
            if band.place is Place.DEVICE:
                band.values[part] = pixels[:, :, band.start : band.stop]
        self.parking.send(buffer, [band.values[part] for band in away], pieces)

    def band(self, index: int) -> Finish:
        """Values (T, C, n) of one band on the device: the parked ones where they wait there."""
        band = self.bands[index]
        if band.place is Place.DEVICE:
            return lambda: band.values
        buffer = self.parking.on_device(tuple(band.values.shape), self.dtype)
        arrival = self.parking.lane.carry(buffer, [(buffer, band.values)])

        def finish() -> Tensor:
            arrival.wait()
            return buffer

        return finish

    def put_band(self, index: int, values: Tensor) -> None:
        """Keep what `band` gave, changed in place."""
        band = self.bands[index]
        if band.place is not Place.DEVICE:
            self.parking.send(values, [band.values], [values])

    def read_frame(self, t: int) -> Tensor:
        """Frame `t` (C, H, W), off the device."""
        _, channels, height, width = self.shape
        frame = self.parking.beside((channels, height * width), self.dtype)
        for band in self.bands:
            frame[:, band.start : band.stop] = band.values[t]
        return frame.view(channels, height, width)

    def write_frame(self, t: int, frame: Tensor) -> None:
        """Keep a frame that is off the device."""
        for band in self.bands:
            band.values[t] = frame.flatten(1)[:, band.start : band.stop]

    def _buffer(self, count: int, bands: list[Band]) -> tuple[Tensor, list[Tensor]]:
        """Device memory for `count` frames of these bands, and the piece of every band."""
        channels = self.shape[1]
        sizes = [count * channels * (band.stop - band.start) for band in bands]
        buffer = self.parking.on_device((sum(sizes),), self.dtype)
        return buffer, [piece.view(count, channels, -1) for piece in buffer.split(sizes)]
