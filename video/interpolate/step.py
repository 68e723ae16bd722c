"""Interpolation as a step of a stream of frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .between import Between, Opened
from .guards import is_cut, is_duplicate
from .plan import LastFrame, Retiming, Timing


@dataclass(frozen=True, eq=False)
class Interpolate:
    """Frames at the moments that `timing` asks for; those of the film itself pass untouched.

    `opened` gives what draws the others, `name` says what that is and `identity` tells it from any
    other. From a score of `scene_cut` on (see guards.cut_score; 0: never) two frames are taken for
    two shots, and the nearer one is shown. Alpha is blended in place.
    """

    opened: Opened
    timing: Timing
    name: str
    identity: str
    scene_cut: float = 0.0

    def clip(self, before: Clip) -> Clip:
        plan = self.timing.plan(before)
        return replace(before, count=plan.count, rate=plan.rate)

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        plan = self.timing.plan(before.clip)
        groups = groupby(plan.moments(start), key=lambda moment: moment.index)
        film = _Neighbours(before, plan, start)
        with closing(film), self.opened(before.clip) as between:
            pair = _Pair(between, self.scene_cut)
            for index, moments in groups:
                yield from _at(index, [float(moment.t) for moment in moments], film, pair)

    def fingerprint(self) -> str:
        return fingerprint("interpolate", self.timing, self.identity, self.scene_cut)

    def describe(self) -> str:
        timing = self.timing
        if timing.rate is not None:
            how = f"to {float(timing.rate):.6g} fps"
        else:
            how = f"{timing.factor} times as many frames"
        length = f", {float(timing.seconds):g} s long" if timing.seconds else ""
        speed = f", speed {float(timing.speed):g}" if timing.speed != 1 else ""
        end = ", a loop" if timing.loop else ", the last frame " + _ENDS[timing.last]
        cuts = f", cuts from {self.scene_cut:g} on" if self.scene_cut else ""
        return f"interpolated {how}{length}{speed} with {self.name}{end}{cuts}"


def _at(index: int, times: list[float], film: _Neighbours, pair: _Pair) -> Iterator[Tensor]:
    """The frames at `times` in rising order from frame `index` to the next one."""
    first = film.frame(index)
    drawn = [t for t in times if t]
    for _ in range(len(times) - len(drawn)):  # several where the last frame is held
        yield first
    if drawn:
        yield from pair.frames(index, first, film.frame(index + 1), drawn)


_ENDS = {LastFrame.HOLD: "held", LastFrame.SHORTER: "ends it"}


class _Neighbours:
    """Frames of a film by number, in rising order; never more than two of them at once."""

    def __init__(self, before: FrameStream, plan: Retiming, start: int) -> None:
        self._before = before
        self._length = plan.length
        self._next = plan.moment(start).index
        self._pulled = before.frames(self._next)
        self._held: dict[int, Tensor] = {}

    def frame(self, number: int) -> Tensor:
        """In a loop the frame after the last is the first, which is pulled anew."""
        self._held = {held: frame for held, frame in self._held.items() if held >= number - 1}
        if number not in self._held:
            self._held[number] = self._seek(number) if number < self._length else self._again()
        return self._held[number]

    def _seek(self, number: int) -> Tensor:
        while True:
            frame = next(self._pulled)
            self._next += 1
            if self._next > number:
                return frame

    def _again(self) -> Tensor:
        pulled = self._before.frames(0)
        try:
            return next(pulled)
        finally:
            _close(pulled)

    def close(self) -> None:
        _close(self._pulled)


class _Pair:
    """What is drawn between two frames; what is known of the second serves the next pair."""

    def __init__(self, between: Between, scene_cut: float) -> None:
        self._between = between
        self._scene_cut = scene_cut
        self._known: dict[int, Any] = {}

    def frames(
        self, index: int, first: Tensor, second: Tensor, times: list[float]
    ) -> Iterator[Tensor]:
        """At `times` between frames `index` and `index + 1` (H, W, C)."""
        self._known = {number: known for number, known in self._known.items() if number == index}
        if is_duplicate(first, second):
            yield from (first for _ in times)
        elif is_cut(first, second, self._scene_cut):
            yield from (first if t < 0.5 else second for t in times)
        else:
            sides = self._prepared(index, first), self._prepared(index + 1, second)
            for t, drawn in zip(times, self._between.between(*sides, times), strict=True):
                yield _with_alpha(drawn[0].permute(1, 2, 0).clamp(0, 1), first, second, t)

    def _prepared(self, number: int, frame: Tensor) -> Any:  # noqa: ANN401
        if number not in self._known:
            colour = frame[..., :3].permute(2, 0, 1)[None]
            self._known[number] = self._between.prepare(colour)
        return self._known[number]


def _with_alpha(colour: Tensor, first: Tensor, second: Tensor, t: float) -> Tensor:
    if first.shape[-1] == 3:
        return colour
    sides = (frame[..., 3:].to(colour.device, colour.dtype) for frame in (first, second))
    return torch.cat((colour, torch.lerp(*sides, t)), dim=-1)


def _close(pulled: Iterator[Tensor]) -> None:
    close = getattr(pulled, "close", None)
    if close:
        close()
