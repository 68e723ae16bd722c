"""A picture of a film, to stand for it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from enum import Enum
from pathlib import Path

from torch import Tensor

from ..pictures.kinds import JPEG
from ..pictures.picture import write_picture
from ..publish import publish
from ..stream import FrameStream
from .pieces import Pull, checked_frames


class Poster(Enum):
    """Which frame."""

    NONE = "none"
    FIRST = "first"
    MIDDLE = "middle"

    def number(self, count: int) -> int:
        return (count - 1) // 2 if self is Poster.MIDDLE else 0


class PosterFrame:
    """Waits for its frame to come by, and keeps it as a JPEG in the folder of unfinished work."""

    def __init__(self, poster: Poster, count: int, folder: Path) -> None:
        self._number = poster.number(count)
        self._wanted = poster is not Poster.NONE
        self._path = folder / f"poster-{self._number}.jpg"

    def see(self, number: int, frame: Tensor) -> None:
        if self._wanted and number == self._number and not self._path.exists():
            write_picture(frame, self._path, JPEG, {})

    def find(self, stream: FrameStream, pull: Pull) -> None:
        """Pull the frame where it came by in an earlier render, which wanted none."""
        if self._wanted and not self._path.exists():
            for frame in checked_frames(stream, self._number, self._number + 1, pull):
                self.see(self._number, frame)

    def publish(self, stem: str, film: Path) -> Path | None:
        """Put it beside `film` as `stem`.jpg, or under the film's whole name if that is taken.

        Returns None if both are taken.
        """
        for name in (stem, film.name):
            path = film.with_name(f"{name}{JPEG.suffix}")
            with suppress(FileExistsError):
                publish(self._path, path)
                return path
        return None

    def copy_to(self, file: Path) -> None:
        shutil.copyfile(self._path, file)
