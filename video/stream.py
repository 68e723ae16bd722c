"""Frames that are pulled one after the other, and never piled up.

A `FrameStream` is a recipe: a source and the steps its frames go through. It holds no frames, can
be pulled as often as one likes, and from any frame on, which is how a render that was killed goes
on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Protocol

from torch import Tensor

from .fingerprint import fingerprint


@dataclass(frozen=True)
class Clip:
    """What a stream's frames are: `count` frames (height, width, channels) at `rate` per second.

    `channels` is 3 for RGB and 4 for RGB with straight alpha. `rate` is None where nobody has said
    it yet. Raises ValueError for a clip without frames, without pixels, or of another kind.
    """

    count: int
    height: int
    width: int
    channels: int = 3
    rate: Fraction | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("There are no frames: connect a film or a picture of at least one.")
        if min(self.height, self.width) < 1:
            raise ValueError(f"The frames are {self.width}x{self.height} pixels: nothing to see.")
        if self.channels not in (3, 4):
            raise ValueError(
                f"The frames have {self.channels} channels: expected 3 (RGB) or 4 (RGB and alpha)."
            )
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"The frame rate is {self.rate}: expected more than 0 a second.")

    @property
    def seconds(self) -> Fraction | None:
        return None if self.rate is None else self.count / self.rate

    @property
    def frame_bytes(self) -> int:
        """Of one frame in float32."""
        return self.height * self.width * self.channels * 4

    def describe(self) -> str:
        kind = "" if self.channels == 3 else " with alpha"
        rate = "" if self.rate is None else f" at {float(self.rate):.6g} fps"
        return f"{self.count} frames of {self.width}x{self.height}{kind}{rate}"


class Source(Protocol):
    """Where frames come from."""

    @property
    def clip(self) -> Clip: ...

    def frames(self, start: int) -> Iterator[Tensor]:
        """The frames from number `start` on, each (H, W, C) float in 0..1 on any device.

        Every call starts anew and gives the same frames.
        """
        ...

    def fingerprint(self) -> str:
        """The same for two sources with the same frames, another for any others."""
        ...


class Step(Protocol):
    """What happens to frames on their way; a pure function of them and of their numbers.

    Frame n must come out the same wherever a pull starts, so a step that looks at neighbours pulls
    them itself, and one that draws numbers draws them for each frame anew.
    """

    def clip(self, before: Clip) -> Clip:
        """What the frames are after this step. Raises ValueError for frames it cannot take."""
        ...

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        """This step's frames from number `start` on."""
        ...

    def fingerprint(self) -> str:
        """The same for two steps that do the same to every frame, on the same kind of device."""
        ...

    def describe(self) -> str:
        """A line for the report: what it does, in the user's words."""
        ...


@dataclass(frozen=True)
class FrameStream:
    """A source and the steps after it."""

    source: Source
    steps: tuple[Step, ...] = ()

    @cached_property
    def clip(self) -> Clip:
        """What comes out at the end."""
        if not self.steps:
            return self.source.clip
        return self.steps[-1].clip(self.before_last.clip)

    @property
    def before_last(self) -> FrameStream:
        return replace(self, steps=self.steps[:-1])

    def then(self, step: Step) -> FrameStream:
        """This stream with one more step; raises ValueError if the step cannot take its frames."""
        longer = replace(self, steps=(*self.steps, step))
        _ = longer.clip
        return longer

    def frames(self, start: int = 0) -> Iterator[Tensor]:
        """The frames from number `start` on, (H, W, C) float in 0..1 on any device."""
        if not self.steps:
            return self.source.frames(start)
        return self.steps[-1].frames(self.before_last, start)

    def fingerprint(self) -> str:
        """The same for two streams that give the same frames."""
        parts = (self.source.fingerprint(), *(step.fingerprint() for step in self.steps))
        return fingerprint(self.clip, *parts)

    def describe(self) -> list[str]:
        """A line for what goes in and one for every step."""
        return [self.source.clip.describe(), *(step.describe() for step in self.steps)]
