"""Where clips begin in a film: evenly spread, and with no scene cut in any of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import torch
from torch import Tensor

from ...drawing import opencv as cv2
from ...video.interpolate.guards import is_cut

CUT = 0.3  # of `cut_score`: cuts have 0.34 and more, moving pictures up to 0.27
LOOKED_AT = 256, 144  # pixels, which the score makes smaller still


def pick_offsets(num_frames: int, rate: Fraction, fps: int) -> tuple[int, ...]:
    """Which frames, from a clip's first one on, are nearest in time to `num_frames` at `fps`.

    0, and an `fps` above the film's own `rate`, take frame after frame: there are no more.
    """
    pace = Fraction(1) if not fps else max(Fraction(1), Fraction(rate) / fps)
    return tuple(math.floor(number * pace + Fraction(1, 2)) for number in range(num_frames))


def clip_rate(rate: Fraction, fps: int) -> int:
    """Frames a second of a clip that was picked so, as a whole number of 1 or more."""
    return max(1, round(min(Fraction(rate), fps) if fps else rate))


def windows(count: int, span: int, most: int) -> tuple[range, ...]:
    """The parts of a film of `count` frames in which to look for clips of `span` frames.

    The whole film if it has at most `most` places for clips that do not overlap (0 for `most`: in
    any case); or else `most` windows, evenly spread, for one clip each. Windows
    overlap only where clips have to.
    """
    if count < span:
        return ()
    places = count // span
    if not most or places <= most:
        return (range(count),)
    length = max(span, count // most)
    gaps = max(1, most - 1)
    begins = (number * (count - length) // gaps for number in range(most))
    return tuple(range(begin, begin + length) for begin in begins)


def starts(cut_before: Iterable[bool], window: range, span: int) -> Iterator[int]:
    """First frames of the clips in `window`, which do not overlap, as early as cuts allow.

    `cut_before` says of the window's frames in turn whether another shot begins there; no more of
    it is asked for than the next clip needs.
    """
    begin = window.start
    for number, is_new_shot in zip(window, cut_before, strict=False):
        if is_new_shot:
            begin = max(begin, number)
        if number - begin + 1 >= span:
            yield begin
            begin += span


def cuts_before(frames: Iterable[Tensor]) -> Iterator[bool]:
    """Of every frame (H, W, C) in 0..1 whether it shows another shot than the one before it."""
    before = None
    for frame in frames:
        small = _small(frame)
        yield before is not None and is_cut(before, small, CUT)
        before = small


def _small(frame: Tensor) -> Tensor:
    pixels = frame[..., :3].cpu().float().numpy()
    return torch.from_numpy(cv2.resize(pixels, LOOKED_AT, interpolation=cv2.INTER_AREA))
