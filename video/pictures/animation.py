"""Animations that every browser plays: GIF and animated WebP."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..publish import name_taken, publish, unfinished_file
from .codes import checked_frame, codes
from .gif import write_gif
from .timing import Timing
from .webp import write_webp


@dataclass(frozen=True)
class Limits:
    """What a format holds. Browsers show a frame of 10 ms or less for 100 ms: hence `fastest`."""

    suffix: str
    ticks_per_second: int
    fastest: int
    longest_ticks: int
    longest_side: int


class AnimationKind(Enum):
    GIF = Limits(".gif", 100, 50, 2**16 - 1, 2**16 - 1)
    WEBP = Limits(".webp", 1000, 90, 2**24 - 1, 2**14 - 1)


def write_animation(
    frames: Iterable[Tensor],
    path: Path,
    rate: Fraction,
    kind: AnimationKind,
    quality: int,
    plays: int = 0,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Write `frames` to the new file `path`; returns how many there were.

    Each frame (H, W, 3 or 4) float in 0..1, sRGB with straight alpha, on any device. They are
    pulled once, one at a time. In memory there is one of them, and of a WebP the compressed film.
    A GIF has one palette for the whole film, which is known when its last frame is: until then the
    frames wait, compressed without loss, in a file beside it.

    `quality` 0..100 is WebP's own, lossless at 100; a GIF has 32 colours at 0 and all 256 from 80
    on. `plays` is how often it plays, 0 for ever. Alpha is kept in WebP; in GIF a pixel is there or
    not. Both count whole parts of a second, so frames are up to half a part early or late, and the
    film is as long as it should be. `metadata` is for WebP alone, where ComfyUI reads it.

    Raises ValueError for frames that are none, unlike or not numbers, and for a rate or a size that
    the format cannot hold, FileExistsError if `path` exists, and OSError as `clear_disk_errors`
    words it. Whatever happens, nothing is left behind and nothing is overwritten.
    """
    _check(rate, kind, quality, plays)
    if os.path.lexists(path):
        raise name_taken(path)
    pixels = _pixels(frames, kind)
    timing = Timing(rate, kind.value.ticks_per_second)
    with unfinished_file(path.parent) as temp:
        if kind is AnimationKind.GIF:
            count = write_gif(pixels, temp, timing, quality, plays)
        else:
            count = write_webp(pixels, temp, timing, quality, plays, metadata or {})
        publish(temp, path)
    return count


def _check(rate: Fraction, kind: AnimationKind, quality: int, plays: int) -> None:
    limits = kind.value
    slowest = Fraction(limits.ticks_per_second, limits.longest_ticks)
    if not slowest <= rate <= limits.fastest:
        raise ValueError(
            f"expected up to {limits.fastest} frames per second, which is what browsers show of "
            f"{kind.name}, got {float(rate):g}: write fewer frames per second, or a film"
        )
    if not 0 <= quality <= 100:
        raise ValueError(f"expected a quality in 0..100, got {quality}: 80 suits most films")
    if not 0 <= plays < 2**16:
        raise ValueError(f"expected to play 0 (for ever) to 65535 times, got {plays}")


def _pixels(frames: Iterable[Tensor], kind: AnimationKind) -> Iterator[np.ndarray]:
    """The frames (H, W, 3 or 4) uint8, or a ValueError that says what is wrong with which."""
    pulled = iter(frames)
    first = next(pulled, None)
    if first is None:
        raise ValueError("expected at least one frame, got no frames to write: check the input")
    shape = first.shape
    for number, frame in enumerate(chain((first,), pulled)):
        _check_size(checked_frame(frame, f"frame {number}").shape, shape, number, kind)
        yield codes(frame, 8)


def _check_size(found: torch.Size, first: torch.Size, number: int, kind: AnimationKind) -> None:
    longest = kind.value.longest_side
    if max(found[:2]) > longest:
        raise ValueError(
            f"expected sides of up to {longest} pixels, which is what {kind.name} holds, got "
            f"{found[1]}x{found[0]}: scale the frames first"
        )
    if found != first:
        raise ValueError(
            f"expected every frame to be {_size(first)} like the first, got {_size(found)} at "
            f"frame {number} (counted from 0): make all frames alike first"
        )


def _size(shape: torch.Size) -> str:
    return f"{shape[1]}x{shape[0]}{' with alpha' if shape[2] == 4 else ''}"
