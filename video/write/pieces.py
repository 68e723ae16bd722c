"""Frames into the pieces of a film that are finished one by one: segments, or single pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from ..pictures.codes import over_black
from ..pictures.kinds import PictureKind
from ..pictures.picture import write_picture
from ..stream import FrameStream
from .behind import behind
from .encoder import Film, open_film
from .frame_check import checked
from .heap import give_back_heap
from .planes import planes
from .work_folder import WorkFolder

# A stream's frames from a number on, with whatever has to happen at each.
Pull = Callable[[FrameStream, int], Iterator[Tensor]]
Seen = Callable[[int, Tensor], None]
Prepared = list[np.ndarray] | Tensor


class Maker(Protocol):
    """How frames become a piece. `prepare` runs where frames are pulled, `write` behind it."""

    @property
    def piece_frames(self) -> int: ...

    @property
    def suffix(self) -> str: ...

    def prepare(self, frame: Tensor) -> Prepared: ...

    def write(self, prepared: Iterator[Prepared], path: Path) -> None:
        """Write a piece to `path` and onto the disk."""
        ...


@dataclass(frozen=True)
class Segments:
    """Pieces of `piece_frames` frames, each an independent film."""

    film: Film
    piece_frames: int

    @property
    def suffix(self) -> str:
        return self.film.format.suffix

    def prepare(self, frame: Tensor) -> Prepared:
        frame = frame if self.film.alpha else over_black(frame)
        return planes(frame, self.film.layout, self.film.format.colour)

    def write(self, prepared: Iterator[Prepared], path: Path) -> None:
        self._encode(prepared, path)
        give_back_heap()

    def _encode(self, prepared: Iterator[Prepared], path: Path) -> None:
        with open_film(path, self.film, {}) as encoder:
            for each in prepared:
                encoder.add(each)


@dataclass(frozen=True)
class Pictures:
    """Every frame is a piece."""

    kind: PictureKind
    rate: Fraction
    metadata: Mapping[str, str] = field(default_factory=dict)
    piece_frames: int = 1

    @property
    def suffix(self) -> str:
        return self.kind.suffix

    def prepare(self, frame: Tensor) -> Prepared:
        return frame.detach().cpu()

    def write(self, prepared: Iterator[Prepared], path: Path) -> None:
        for frame in prepared:
            write_picture(frame, path, self.kind, self.metadata, self.rate)


def make_pieces(
    stream: FrameStream, maker: Maker, work: WorkFolder, pull: Pull, seen: Seen
) -> None:
    """Write the pieces of `stream` that are not finished in `work` yet.

    Frames come from `pull`, starting with the first that is missing; `seen` gets each of them with
    its number. Encoding goes on behind the pulling, in a thread of its own. Raises ValueError for
    frames that are not as the stream's clip says, and whatever pulling or writing raises; finished
    pieces stay finished.
    """
    every, count = maker.piece_frames, stream.clip.count
    for run in _missing(work, -(-count // every)):
        start, stop = run.start * every, min(run.stop * every, count)

        def write(prepared: Iterator[Prepared], run: range = run) -> None:
            for number in run:
                _write_piece(prepared, number, min(every, count - number * every), maker, work)

        with (
            behind(write, _bytes_of) as put,
            closing(checked_frames(stream, start, stop, pull)) as frames,
        ):
            for number, frame in enumerate(frames, start):
                seen(number, frame)
                put(maker.prepare(frame))


def checked_frames(stream: FrameStream, start: int, stop: int, pull: Pull) -> Iterator[Tensor]:
    """The frames from `start` to before `stop`, each as the stream's clip says."""
    clip, number = stream.clip, start
    with closing(pull(stream, start)) as pulled:
        for frame in islice(pulled, stop - start):
            yield checked(frame, number, (clip.height, clip.width), clip.channels)
            number += 1
    if number < stop:
        raise ValueError(
            f"The frames end after {number} of {clip.count}: check where they come from."
        )


def _missing(work: WorkFolder, count: int) -> Iterator[range]:
    """The numbers of unfinished pieces, those next to each other together."""
    start = 0
    while start < count:
        stop = start
        while stop < count and stop not in work.finished:
            stop += 1
        if stop > start:
            yield range(start, stop)
        start = stop + 1


def _write_piece(
    prepared: Iterator[Prepared], number: int, frames: int, maker: Maker, work: WorkFolder
) -> None:
    name = f"{number:06}{maker.suffix}"
    unfinished = work.pieces_folder / f"{name}.part"
    maker.write(islice(prepared, frames), unfinished)
    work.finish(number, unfinished, name, frames)


def _bytes_of(prepared: Prepared) -> int:
    if isinstance(prepared, Tensor):
        return prepared.nbytes
    return sum(plane.nbytes for plane in prepared)
