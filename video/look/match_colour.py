"""The colours of a film brought to those of a picture, or held at those of its first frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from ..window import Window, windows
from .lab import lab_to_rgb, rgb_to_lab
from .per_frame import with_colours

RADIUS = 4  # frames on both sides that a frame's statistics are smoothed over
SIDE = 256  # pixels of the longer side of what statistics are taken from
SAME_SCENE = 6.0  # of L*, a* or b* between means: what is further apart is smoothed less
LARGEST_GAIN = 4.0  # of contrast, or flat pictures would be blown up to noise
LEVELS = 129  # of a histogram
ROWS = 256  # of a frame that are converted at a time


class Method(Enum):
    MEAN_STD = "mean and contrast"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, eq=False)
class MatchColour:
    """Matches every frame to `reference` (H, W, 3 or 4), or without one to the first frame.

    In Lab, channel by channel: mean and standard deviation (Reinhard et al. 2001), or the whole
    distribution. A frame's own statistics are means over the nine around it, those of another
    scene excepted, so that the correction does not flicker. `strength` 0..1; at 0 frames pass
    untouched. Raises ValueError for another strength.
    """

    reference: Tensor | None = None
    method: Method = Method.MEAN_STD
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"The strength is {self.strength:g}: expected 0 to 1.")

    def clip(self, before: Clip) -> Clip:
        return before

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        if self.strength == 0:
            return before.frames(start)
        return self._matched(before, start)

    def _matched(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        target = None if self.reference is None else self._measured(self.reference)
        if target is None and start > 0:
            target = _smoothed(next(windows(before, 0, RADIUS, self._measured)))
        for window in windows(before, start, RADIUS, self._measured):
            measured = _smoothed(window)
            target = measured if target is None else target
            frame = window.frame
            colours = [self._moved(rows, measured, target) for rows in frame.split(ROWS)]
            yield with_colours(frame, torch.cat(colours))

    def _measured(self, frame: Tensor) -> Tensor:
        lab = rgb_to_lab(_opaque(_small(frame.float())))
        if self.method is Method.MEAN_STD:
            return torch.stack([lab.mean(0), lab.std(0, correction=0)])
        return torch.quantile(lab, torch.linspace(0, 1, LEVELS, device=lab.device), dim=0)

    def _moved(self, rows: Tensor, measured: Tensor, target: Tensor) -> Tensor:
        colours = rows[..., :3].float()
        lab = rgb_to_lab(colours)
        move = _scaled if self.method is Method.MEAN_STD else _reassigned
        moved = lab_to_rgb(move(lab, measured.to(lab), target.to(lab))).clamp(0, 1)
        return colours + self.strength * (moved - colours)

    def fingerprint(self) -> str:
        return fingerprint("match colour", self.reference, self.method, self.strength)

    def describe(self) -> str:
        to = "the first frame" if self.reference is None else "a picture"
        return f"match colour: to {to} by {self.method.value}, strength {self.strength:g}"


def _small(frame: Tensor) -> Tensor:
    factor = -(-max(frame.shape[:2]) // SIDE)
    if factor == 1:
        return frame
    size = [max(1, side // factor) for side in frame.shape[:2]]
    return F.adaptive_avg_pool2d(frame.movedim(-1, 0), size).movedim(0, -1)


def _opaque(frame: Tensor) -> Tensor:
    """(N, 3): the colours that are seen, or all where nothing is."""
    colours = frame[..., :3].flatten(0, 1)
    if frame.shape[-1] == 4:
        seen = frame[..., 3].flatten() > 0.5
        return colours[seen] if seen.any() else colours
    return colours


def _smoothed(window: Window[Tensor]) -> Tensor:
    """The mean of the statistics around a frame, near ones and those like its own first."""
    around = torch.stack(window.around)
    places = torch.arange(len(around), device=around.device) - window.centre
    near = RADIUS + 1 - places.abs()
    apart = (around.mean(1) - around[window.centre].mean(0)).norm(dim=-1)
    weights = near * torch.exp(-((apart / SAME_SCENE) ** 2))
    return (weights[:, None, None] * around).sum(0) / weights.sum()


def _scaled(lab: Tensor, measured: Tensor, target: Tensor) -> Tensor:
    (mean, spread), (wanted, wanted_spread) = measured, target
    gain = (wanted_spread / spread.clamp(min=1e-3)).clamp(max=LARGEST_GAIN)
    return (lab - mean) * gain + wanted


def _reassigned(lab: Tensor, measured: Tensor, target: Tensor) -> Tensor:
    """Every value to the one of the same rank; beyond the ends shifted as the ends are."""
    channels = [
        _interpolated(*parts)
        for parts in zip(lab.unbind(-1), measured.unbind(-1), target.unbind(-1), strict=True)
    ]
    return torch.stack(channels, dim=-1)


def _interpolated(x: Tensor, levels: Tensor, wanted: Tensor) -> Tensor:
    levels = levels.contiguous()
    above = torch.searchsorted(levels, x.contiguous()).clamp(1, len(levels) - 1)
    low, high = levels[above - 1], levels[above]
    share = ((x - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    moved = torch.lerp(wanted[above - 1], wanted[above], share)
    return moved + (x - levels[-1]).clamp(min=0) + (x - levels[0]).clamp(max=0)
