"""Numbers that change over the film, and how a user writes them."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass, fields, replace
from itertools import accumulate, pairwise

from .camera import Ease

HOW_TO_WRITE = 'write "127", "40, 200" or "0:40 0.5:127 1:200"'


@dataclass(frozen=True)
class FrameCurve:
    """`values[i]` at `times[i]`, where 0 is the first frame and 1 the last; `ease` leads to each.

    Before the first time and after the last the curve holds. Raises ValueError for times or
    values that are not numbers, for times outside 0..1, and for times out of order.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    ease: Ease = Ease.LINEAR

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.times):
            raise ValueError(
                f"{len(self.times)} times and {len(self.values)} values: a curve needs one value "
                "for every time, and at least one."
            )
        for number in (*self.times, *self.values):
            if not math.isfinite(number):
                raise ValueError(f"{number} is not a finite number: {HOW_TO_WRITE}.")
        for time in self.times:
            if not 0 <= time <= 1:
                raise ValueError(
                    f"Time {time:g} is not in the film: times go from 0 (first frame) to 1 (last "
                    "frame)."
                )
        for before, after in pairwise(self.times):
            if after <= before:
                raise ValueError(
                    f"Time {after:g} is not after {before:g}, the one before it: put the values "
                    "in order of time."
                )

    def at(self, num_frames: int) -> tuple[float, ...]:
        """One value a frame. A constant curve gives its value to the last bit."""
        if num_frames < 1:
            raise ValueError(f"{num_frames} frames asked for: a curve needs at least 1.")
        return tuple(self.value_at(i / max(1, num_frames - 1)) for i in range(num_frames))

    def value_at(self, time: float) -> float:
        """The value at `time` 0..1 of the film."""
        index = bisect_right(self.times, time)
        if index == 0:
            return self.values[0]
        if index == len(self.times):
            return self.values[-1]
        (start, end), (before, after) = (
            (numbers[index - 1], numbers[index]) for numbers in (self.times, self.values)
        )
        return before + (after - before) * self.ease.at((time - start) / (end - start))


def parse_curve(
    text: str, name: str, lowest: float, highest: float, ease: Ease = Ease.LINEAR
) -> FrameCurve:
    """The curve that a user wrote, its values within `lowest`..`highest`.

    "127" is constant; "40, 200" goes from the first frame to the last, and more values share the
    film evenly; "0:40 0.5:127 1:200" says when (0 first frame, 1 last) and what. Raises
    ValueError, which names the curve by `name` and quotes the text.
    """
    try:
        return _parse(text, lowest, highest, ease)
    except ValueError as error:
        raise ValueError(f'{name} is "{text.strip()}". {error}') from None


def _parse(text: str, lowest: float, highest: float, ease: Ease) -> FrameCurve:
    words = re.sub(r"\s*:\s*", ":", text.strip()).replace(",", " ").replace(";", " ").split()
    if not words:
        raise ValueError(f"A curve needs at least one value: {HOW_TO_WRITE}.")
    timed = [":" in word for word in words]
    if any(timed) and not all(timed):
        raise ValueError(
            f"{words[timed.index(False)]} has no time, and other values have one: give every "
            "value a time, as in 0:40 1:200, or none."
        )
    if any(timed):
        pairs = [[_number(part) for part in _two(word)] for word in words]
    else:
        last = max(1, len(words) - 1)
        pairs = [[i / last, _number(word)] for i, word in enumerate(words)]
    times, values = zip(*pairs, strict=True)
    curve = FrameCurve(times, values, ease)
    for value in values:
        if not lowest <= value <= highest:
            raise ValueError(f"{value:g} is out of range: use {lowest:g} to {highest:g}.")
    return curve


def _two(word: str) -> list[str]:
    parts = word.split(":")
    if len(parts) != 2:
        raise ValueError(f"{word} is not a time and a value: write them as 0.5:127.")
    return parts


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f'"{word}" is not a number: {HOW_TO_WRITE}.') from None


@dataclass(frozen=True)
class SpeedCurve:
    """Motion buckets of `curve`, read as how fast the picture moves at every frame.

    SVD learnt from films of one bucket each and puts a frame where such a film would have it: a
    bucket that falls takes the picture back, as measured on svd-mini. So every frame is told the
    bucket that would have led as far by then, the root mean square since the first (speed goes
    with the bucket squared, `sampling.motion`). Where speed grows more slowly than that, the
    picture does not go back either.
    """

    curve: FrameCurve

    def at(self, num_frames: int) -> tuple[float, ...]:
        """One bucket a frame. A constant curve gives its value to the last bit."""
        buckets = self.curve.at(num_frames)
        if len(set(buckets)) == 1:
            return buckets
        ways = accumulate((a * a + b * b) / 2 for a, b in pairwise(buckets))
        return (buckets[0], *(math.sqrt(way / i) for i, way in enumerate(ways, 1)))


@dataclass(frozen=True)
class MotionCurves:
    """What SVD's vector conditioning holds, where it changes over the film.

    The names are those of core's conditioning. None leaves what the conditioning says.
    """

    motion_bucket_id: FrameCurve | SpeedCurve | None = None
    augmentation_level: FrameCurve | None = None

    def over(self, earlier: MotionCurves) -> MotionCurves:
        """These curves, and those of `earlier` where there is none."""
        return replace(earlier, **self._set())

    def told(self, num_frames: int) -> tuple[dict[str, float], ...]:
        """For every frame, what it is told in place of what the conditioning says."""
        by_name = {name: curve.at(num_frames) for name, curve in self._set().items()}
        return tuple(
            {name: values[i] for name, values in by_name.items()} for i in range(num_frames)
        )

    def __bool__(self) -> bool:
        return bool(self._set())

    def _set(self) -> dict[str, FrameCurve | SpeedCurve]:
        curves = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: curve for name, curve in curves.items() if curve is not None}
