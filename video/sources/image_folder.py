"""Frames that are a file each: the pictures of a folder, in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from ..ahead import ahead
from ..fingerprint import file_fingerprint, fingerprint
from ..stream import Clip
from .image_file import SUFFIXES, read_picture, size_of

NAMED_GAPS = 3  # in a line of a report


@dataclass(frozen=True)
class Listed:
    """The files of a sequence as they were, and how large their pictures are."""

    paths: tuple[Path, ...]
    stamps: tuple[tuple[int, int], ...]  # when they were changed, and their bytes


@dataclass(frozen=True)
class ImageFolder:
    """The pictures in `folder` whose names match `pattern` (as in a shell), read ahead in a thread.

    PNG, TIFF, JPEG, WebP, BMP and EXR, in the order that people count: "shot_2" before "shot_10".
    EXR holds light and becomes sRGB, unless `exr_is_light` is off. All frames have alpha if the
    first one has. What is asked of it raises FileNotFoundError for no folder,
    ValueError for no pictures, pictures of several sizes and unreadable ones, and ImportError for
    EXR without the package OpenEXR.
    """

    folder: Path
    pattern: str = "*"
    rate: Fraction | None = None
    exr_is_light: bool = True

    @property
    def clip(self) -> Clip:
        listed = self._listed()
        height, width, channels = _measured(listed)
        return Clip(len(listed.paths), height, width, channels, self.rate)

    @property
    def gaps(self) -> str:
        """A line that names the numbers missing between the first file and the last, or nothing."""
        numbers = [_number(path) for path in self._listed().paths]
        if None in numbers:
            return ""
        found = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
        if not found:
            return ""
        named = [str(a) if a == b else f"{a} to {b}" for a, b in found[:NAMED_GAPS]]
        rest = "" if len(found) <= NAMED_GAPS else f" and {len(found) - NAMED_GAPS} more gaps"
        return f"missing in {self.folder.name}: {', '.join(named)}{rest}; the film goes on without"

    def frames(self, start: int) -> Iterator[Tensor]:
        return ahead(self._read(start))

    def fingerprint(self) -> str:
        listed = self._listed()
        hashes = tuple(
            _file_fingerprint(path, *stamp)
            for path, stamp in zip(listed.paths, listed.stamps, strict=True)
        )
        return fingerprint(hashes, self.rate, self.exr_is_light)

    def _read(self, start: int) -> Iterator[Tensor]:
        clip = self.clip
        for path in self._listed().paths[start:]:
            picture = read_picture(path, self.exr_is_light)
            if picture.shape[-1] != clip.channels:
                picture = _with_channels(picture, clip.channels)
            yield picture

    def _listed(self) -> Listed:
        if not self.folder.is_dir():
            raise FileNotFoundError(f"There is no folder {self.folder}: check the path.")
        paths = sorted(
            (
                path
                for path in self.folder.glob(self.pattern)
                if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            ),
            key=_as_counted,
        )
        if not paths:
            raise ValueError(
                f"{self.folder} has no pictures named {self.pattern}: expected PNG, TIFF, EXR or "
                "JPEG files."
            )
        stats = [path.stat() for path in paths]
        return Listed(tuple(paths), tuple((found.st_mtime_ns, found.st_size) for found in stats))


@lru_cache(maxsize=8)
def _measured(listed: Listed) -> tuple[int, int, int]:
    """Height, width and channels of all pictures; only the first one is read."""
    first, *others = listed.paths
    height, width = size_of(first)
    for path in others:
        found = size_of(path)
        if found != (height, width):
            raise ValueError(
                f"{first.name} is {width}x{height} and {path.name} is {found[1]}x{found[0]}: "
                "expected pictures of one size; scale them, or name the right ones by a pattern."
            )
    return height, width, read_picture(first).shape[-1]


@lru_cache(maxsize=2**16)
def _file_fingerprint(path: Path, changed: int, size: int) -> str:
    return file_fingerprint(path)


def _with_channels(picture: Tensor, channels: int) -> Tensor:
    if channels == 3:
        return picture[..., :3].contiguous()
    return torch.cat((picture, torch.ones_like(picture[..., :1])), dim=-1)


def _as_counted(path: Path) -> tuple[tuple[str | int, ...], str]:
    """Digits compare as the number they are; names that are equal then, by their letters."""
    parts = re.split(r"(\d+)", path.name.lower())
    return tuple(int(part) if part.isdecimal() else part for part in parts), path.name


def _number(path: Path) -> int | None:
    """The last number in the name, which is the frame's."""
    found = re.findall(r"\d+", path.stem)
    return int(found[-1]) if found else None
