"""Numbered picture files, as editing and compositing programs number frames."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..names import check_prefix
from ..stream import Clip
from .kinds import PictureKind
from .picture import write_whole

FEWEST_DIGITS = 4


@dataclass(frozen=True)
class Sequence:
    """`count` files `folder/prefix.1001.exr` and so on, the first with the number `first`.

    All numbers have equally many digits, four at least, so that their order by name is their order
    in time. Frames are counted from 0 here, whatever the first number is. Raises ValueError for a
    prefix that no file name can have, a first number below 0, or no frames.
    """

    folder: Path
    prefix: str
    kind: PictureKind
    count: int
    first: int = 1001

    def __post_init__(self) -> None:
        check_prefix(self.prefix)
        if self.count < 1 or self.first < 0:
            raise ValueError(
                f"expected at least one frame and numbers from 0 on, got {self.count} frames from "
                f"number {self.first}: start at 1001, as editors do, or at 0"
            )

    @property
    def last(self) -> int:
        """The number in the last file's name."""
        return self.first + self.count - 1

    @property
    def pattern(self) -> str:
        """The names of the files as FFmpeg and Nuke write them: `prefix.%04d.exr`."""
        return f"{self.prefix}.%0{self._digits}d{self.kind.suffix}"

    @property
    def sidecar(self) -> Path:
        """The file that says what the frames are; it is written when all of them are there."""
        return self.folder / f"{self.prefix}.json"

    def path(self, frame: int) -> Path:
        """The file of frame number `frame`, counted from 0. Raises IndexError outside."""
        if not 0 <= frame < self.count:
            raise IndexError(f"expected a frame in 0..{self.count - 1}, got {frame}")
        number = f"{self.first + frame:0{self._digits}}"
        return self.folder / f"{self.prefix}.{number}{self.kind.suffix}"

    def finished(self) -> set[int]:
        """The frames, counted from 0, whose files are there; `write_picture` leaves whole ones."""
        if not self.folder.is_dir():
            return set()
        names = {file.name for file in self.folder.iterdir()}
        return {frame for frame in range(self.count) if self.path(frame).name in names}

    def first_unfinished(self) -> int:
        """The frame to go on with; `count` if there is none."""
        finished = self.finished()
        return next((frame for frame in range(self.count) if frame not in finished), self.count)

    @property
    def _digits(self) -> int:
        return max(FEWEST_DIGITS, len(str(self.last)))


def write_sidecar(sequence: Sequence, clip: Clip, metadata: Mapping[str, str]) -> None:
    """Say in `sequence.sidecar` what no picture file can: the rate, and which frames there are.

    `clip` is what the frames are. The rate is given exactly, as a fraction, and rounded.
    `metadata` is written as it is. Raises OSError as `clear_disk_errors` words it.
    """
    rate = None if clip.rate is None else {"exact": str(clip.rate), "fps": float(clip.rate)}
    told = {
        "files": sequence.pattern,
        "first": sequence.first,
        "last": sequence.last,
        "frames": sequence.count,
        "rate": rate,
        "width": clip.width,
        "height": clip.height,
        "alpha": clip.channels == 4 and sequence.kind.alpha,
        "bits": sequence.kind.bits,
        "colours": sequence.kind.colours,
        "metadata": dict(metadata),
    }
    write_whole(sequence.sidecar, json.dumps(told, indent=2).encode())
