"""How a film is to be written, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ..sources.sound import Sound
from ..stream import Clip
from .formats import Format
from .poster import Poster


@dataclass(frozen=True)
class Order:
    """How to write a film. `rate` in frames/s; `quality` 0..100 where the format has one.

    `segment_frames` 0 leaves the length of segments to the format. `first_number` is of the
    pictures of a sequence. `metadata` become tags. `preview` is a file for a JPEG of the poster's
    frame, or of the middle one without a poster.
    """

    format: Format
    rate: Fraction
    quality: int = 80
    segment_frames: int = 0
    resume: bool = True
    first_number: int = 1001
    sound: Sound | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    poster: Poster = Poster.NONE
    preview: Path | None = None


@dataclass(frozen=True)
class Written:
    """A film on disk; a sequence's `path` is its folder.

    `clip` is what is stored. `found` frames were finished before. `notes` say what the format did
    to the frames.
    """

    path: Path
    poster: Path | None
    clip: Clip
    found: int
    size_bytes: int
    notes: tuple[str, ...]

    def describe(self) -> list[str]:
        size = self.size_bytes / 2**20
        lines = [f"{self.path.name}: {self.clip.describe()}, {size:.1f} MiB"]
        if self.found:
            lines.append(f"went on after {self.found} frames that were finished before")
        if self.poster is not None:
            lines.append(f"poster: {self.poster.name}")
        return [*lines, *self.notes]
