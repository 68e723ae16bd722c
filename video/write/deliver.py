"""The three ways from finished pieces to what is delivered: a film, an animation, a sequence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from torch import Tensor

from ..disk import clear_disk_errors
from ..pictures.animation import write_animation
from ..pictures.sequence import Sequence, write_sidecar
from ..stream import Clip
from .encoder import Film, film_of
from .formats import AnimationFormat, FilmFormat, SequenceFormat, formats
from .join import join_segments
from .order import Order
from .pieces import Maker, Pictures, Segments
from .read_back import frames_in
from .sound import lasting, length_of
from .work_folder import WorkFolder

OVER_BLACK = "alpha is not kept: the frames are laid over black"
NO_QUALITY = "the format has one quality"
NO_SOUND = "the format has no sound"


class Delivery(Protocol):
    """What a format makes of frames; made by `delivery_of`."""

    @property
    def maker(self) -> Maker: ...

    @property
    def clip(self) -> Clip:
        """What is stored."""
        ...

    @property
    def suffix(self) -> str:
        """Of the finished file, or nothing for a folder."""
        ...

    def parts(self) -> tuple[object, ...]:
        """What the pieces depend on beside the frames, for their fingerprint."""
        ...

    def finish(self, work: WorkFolder, prefix: str) -> Path:
        """Put the pieces together in the folder of `work`; returns the file or folder."""
        ...

    def notes(self) -> Iterator[str]: ...


def delivery_of(clip: Clip, order: Order) -> Delivery:
    """Raises ValueError for frames or settings that the format cannot hold."""
    if order.segment_frames < 0:
        raise ValueError(f"expected segments of 1 frame or more, got {order.segment_frames}")
    clip = replace(clip, rate=order.rate)
    if isinstance(order.format, SequenceFormat):
        return NumberedPictures(clip, order, order.format)
    if isinstance(order.format, AnimationFormat):
        return Animation(clip, order, order.format)
    return JoinedFilm(clip, order, order.format)


@dataclass(frozen=True)
class JoinedFilm:
    """Segments, joined without encoding them again."""

    before: Clip
    order: Order
    format: FilmFormat

    def __post_init__(self) -> None:
        _ = self.film

    @property
    def film(self) -> Film:
        size = (self.before.height, self.before.width)
        alpha = self.before.channels == 4
        return film_of(self.format, size, self.order.rate, self.order.quality, alpha)

    @property
    def maker(self) -> Segments:
        return Segments(self.film, self.order.segment_frames or self.format.segment_frames)

    @property
    def clip(self) -> Clip:
        film = self.film
        channels = 4 if film.alpha else 3
        return replace(self.before, height=film.height, width=film.width, channels=channels)

    @property
    def suffix(self) -> str:
        return self.format.suffix

    def parts(self) -> tuple[object, ...]:
        return (self.maker,)

    def finish(self, work: WorkFolder, prefix: str) -> Path:
        pieces = work.in_order()
        segments = [(work.piece_path(piece), piece.frames) for piece in pieces]
        sound = self.order.sound and lasting(self.order.sound, self.before.count / self.order.rate)
        path = work.path / "film.part"
        join_segments(segments, path, self.film, sound, self.order.metadata)
        return path

    def notes(self) -> Iterator[str]:
        if self.format.note:
            yield self.format.note
        if self.before.channels == 4 and not self.film.alpha:
            yield OVER_BLACK
        if (self.film.height, self.film.width) != (self.before.height, self.before.width):
            yield "an odd side has its last row or column twice"
        if self.format.quality is None:
            yield NO_QUALITY
        if self.order.sound is not None:
            yield _fitted(self.order, self.before)


@dataclass(frozen=True)
class Animation:
    """Written in one go from lossless segments, as it cannot be joined."""

    before: Clip
    order: Order
    format: AnimationFormat

    def __post_init__(self) -> None:
        limits, rate = self.format.animation.value, self.order.rate
        if rate > limits.fastest:
            raise ValueError(
                f"{self.format.label} holds up to {limits.fastest} frames per second, got "
                f"{float(rate):g}: write fewer frames per second, or a film"
            )
        if max(self.before.height, self.before.width) > limits.longest_side:
            raise ValueError(
                f"{self.format.label} holds sides of up to {limits.longest_side} pixels, got "
                f"{self.before.width}x{self.before.height}: scale the frames first"
            )

    @property
    def maker(self) -> Segments:
        lossless = formats()[self.format.segments_as]
        return JoinedFilm(self.before, replace(self.order, format=lossless), lossless).maker

    @property
    def clip(self) -> Clip:
        return self.before

    @property
    def suffix(self) -> str:
        return self.format.animation.value.suffix

    def parts(self) -> tuple[object, ...]:
        return (self.maker,)

    def finish(self, work: WorkFolder, prefix: str) -> Path:
        path = work.path / "film.part"
        kind, order = self.format.animation, self.order
        write_animation(
            self._frames(work), path, order.rate, kind, order.quality, metadata=order.metadata
        )
        return path

    def notes(self) -> Iterator[str]:
        if self.format.note:
            yield self.format.note
        if self.order.sound is not None:
            yield NO_SOUND

    def _frames(self, work: WorkFolder) -> Iterator[Tensor]:
        layout = self.maker.film.layout
        for piece in work.in_order():
            yield from frames_in(work.piece_path(piece), layout)


@dataclass(frozen=True)
class NumberedPictures:
    """A folder with every frame as a file, and what they are in a file beside them."""

    before: Clip
    order: Order
    format: SequenceFormat

    @property
    def maker(self) -> Pictures:
        return Pictures(self.format.picture, self.order.rate, self.order.metadata)

    @property
    def clip(self) -> Clip:
        return self.before

    @property
    def suffix(self) -> str:
        return ""

    def parts(self) -> tuple[object, ...]:
        # Not the metadata itself: where nodes stand on the canvas is part of it.
        return (self.format.picture, self.order.rate, bool(self.order.metadata))

    def finish(self, work: WorkFolder, prefix: str) -> Path:
        folder = work.path / "sequence"
        named = Sequence(
            folder, prefix, self.format.picture, self.before.count, self.order.first_number
        )
        with clear_disk_errors(folder):
            folder.mkdir()
            for piece in work.in_order():
                os.rename(work.piece_path(piece), named.path(piece.number))
        write_sidecar(named, self.clip, self.order.metadata)
        return folder

    def notes(self) -> Iterator[str]:
        first = self.order.first_number
        yield f"pictures {first} to {first + self.before.count - 1}, at {self.order.rate} fps"
        if self.format.note:
            yield self.format.note
        if self.order.sound is not None:
            yield NO_SOUND


def _fitted(order: Order, clip: Clip) -> str:
    heard, seen = float(length_of(order.sound)), float(clip.count / order.rate)
    if abs(heard - seen) < 1 / order.sound.sample_rate:
        return f"sound of {seen:.3f} s"
    how = "cut" if heard > seen else "followed by silence"
    return f"sound of {heard:.3f} s, {how} to last {seen:.3f} s"
