"""A small film of frames that are in memory, for a look at them and not to keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from .encoder import film_of, open_film
from .planes import planes
from .writer import WrittenVideo, h264

WIDEST = 768
NARROWEST = 192
# Pixels of the whole preview: 150 frames of 768x432, which take a CPU a few seconds.
MOST_PIXELS = 150 * 768 * 432
QUALITY = 66  # CRF 23, x264's own default
# Nothing is reordered and every eighth frame stands by itself, so that a player finds any of them
# at once.
QUICK = {"preset": "veryfast", "g": "8", "bf": "0", "mbtree": "0"}


def write_preview(frames: Tensor, path: Path, rate: Fraction) -> WrittenVideo:
    """Encode frames (T, H, W, 3 or 4) in 0..1 to the mp4 file `path`, made smaller where it pays.

    Every frame is kept. At most 768 pixels wide; longer films are smaller, so that the work has a
    bound. Alpha is left out. Raises `ValueError` for frames that are none, or too small for a film,
    and OSError where the file cannot be written.
    """
    count, height, width = frames.shape[:3]
    if not count:
        raise ValueError("expected at least one frame, got none: check the input")
    size = preview_size(count, height, width)
    quick = replace(h264(), options={**h264().options, **QUICK}, cases=(), reorder=0)
    film = film_of(quick, size, rate, QUALITY)
    with open_film(path, film, {}) as encoder:
        for frame in _resized(frames, size):
            encoder.add(planes(frame, film.layout, film.format.colour))
    return WrittenVideo(path, film.width, film.height, count, rate, path.stat().st_size)


def preview_size(count: int, height: int, width: int) -> tuple[int, int]:
    """(height, width) in pixels: never larger than the frames, and even where it is smaller."""
    room = (MOST_PIXELS / (count * height * width)) ** 0.5
    scale = min(1.0, WIDEST / width, max(room, NARROWEST / width))
    if scale == 1.0:
        return height, width
    return max(2, round(height * scale / 2) * 2), max(2, round(width * scale / 2) * 2)


def _resized(frames: Tensor, size: tuple[int, int]) -> Iterator[Tensor]:
    for frame in frames:
        picture = frame[..., :3].float()
        if picture.shape[:2] != size:
            channels = picture.movedim(-1, 0)[None]
            smaller = F.interpolate(channels, size, mode="bilinear", antialias=True)
            picture = smaller[0].movedim(0, -1)
        yield picture
