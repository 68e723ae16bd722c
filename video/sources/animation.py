"""Frames of an animated WebP or GIF, which FFmpeg reads not at all or without its timing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ..ahead import ahead
from ..fingerprint import file_fingerprint, fingerprint
from ..stream import Clip
from .film_index import readable

SUFFIXES = frozenset({".webp", ".gif"})


@dataclass(frozen=True)
class Animation:
    """The animation at `path`: RGBA where any of its pixels is clear, or else RGB.

    Each frame lasts as long as all do on average; `rate` is taken where the file names no times.
    What is asked of it raises FileNotFoundError, or ValueError for a file that is unreadable.
    """

    path: Path
    rate: Fraction | None = None

    @property
    def clip(self) -> Clip:
        found = self._measured()
        return Clip(found.count, found.height, found.width, found.channels, found.rate or self.rate)

    def frames(self, start: int) -> Iterator[Tensor]:
        return ahead(self._decoded(start))

    def fingerprint(self) -> str:
        self._measured()
        return fingerprint(file_fingerprint(self.path), self.rate)

    def _measured(self) -> Clip:
        with readable(self.path):
            found = self.path.stat()
        return _measure(self.path, found.st_mtime_ns, found.st_size)

    def _decoded(self, start: int) -> Iterator[Tensor]:
        mode = "RGBA" if self._measured().channels == 4 else "RGB"
        with Image.open(self.path) as image:
            for number in range(start, image.n_frames):
                _go_to(image, number, self.path)
                pixels = np.asarray(image.convert(mode), np.float32)
                yield torch.from_numpy(pixels / 255)


@lru_cache(maxsize=32)
def _measure(path: Path, changed: int, size: int) -> Clip:
    try:
        image = Image.open(path)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path.name} cannot be read as an animation: it is damaged or of another kind."
        ) from error
    with image:
        milliseconds, clear = 0, False
        for number in range(image.n_frames):
            _go_to(image, number, path)
            milliseconds += image.info.get("duration", 0)
            if image.has_transparency_data and not clear:
                clear = image.convert("RGBA").getextrema()[3][0] < 255
        rate = Fraction(1000 * image.n_frames) / round(milliseconds) if milliseconds >= 1 else None
        return Clip(image.n_frames, image.height, image.width, 4 if clear else 3, rate)


def _go_to(image: Image.Image, number: int, path: Path) -> None:
    try:
        image.seek(number)
        image.load()
    except (EOFError, OSError, SyntaxError) as error:
        raise ValueError(
            f"Frame {number} of {path.name} cannot be decoded: the file is truncated or damaged; "
            "copy it again."
        ) from error
