"""Frames on their way to an exact size, through a network or by resampling alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from ..fingerprint import fingerprint
from ..stream import Clip, FrameStream
from .ladder import Precision, TiledNetwork
from .lanczos import resample
from .network import Network, Room, on_cpu
from .sizes import Rule, SizePlan, Target, plan_size

RGB = 3


@dataclass(frozen=True, eq=False)
class Upscale:
    """Frames of an exact size; see `plan_size` for `target`, `rule` and `custom`.

    RGB goes through `network`, alpha is resampled. `strength` 0..1 is the network's share, the
    rest is Lanczos; without a network all is. `room` is entered with the first frame pulled and
    left with the last. `side` limits tiles, in pixels, where memory does not; 0: memory alone.
    """

    network: Network | None
    target: Target
    rule: Rule = Rule.CROP
    custom: tuple[int, int] = (0, 0)
    strength: float = 1.0
    precision: Precision = Precision.AUTO
    side: int = 0
    room: Callable[[], AbstractContextManager[Room]] = on_cpu

    def plan(self, before: Clip) -> SizePlan:
        """The way of one frame. Raises ValueError for a custom size without sides."""
        scale = self.network.scale if self.network else 0
        plan = plan_size((before.width, before.height), self.target, self.rule, self.custom, scale)
        return plan if self.strength else replace(plan, inputs=())

    def clip(self, before: Clip) -> Clip:
        width, height = self.plan(before).size
        return replace(before, width=width, height=height)

    def frames(self, before: FrameStream, start: int) -> Iterator[Tensor]:
        plan = self.plan(before.clip)
        with self.room() as room:
            together = _together(plan, room)
            # Batches are the same ones wherever a pull starts.
            number = start - start % together
            tiled = self.network and TiledNetwork(self.network, room, self.precision, self.side)
            frames = before.frames(number)
            while batch := list(islice(frames, together)):
                for frame in self._upscale(batch, number, plan, tiled, room):
                    if number >= start:
                        yield frame
                    number += 1
                del frame  # or it would stay while the next ones are made

    def fingerprint(self) -> str:
        parts = (self.target, self.rule, self.custom, self.strength)
        if self.network is None or not self.strength:
            return fingerprint("upscale", *parts)
        exact = self.network.reach is not None
        network = (self.network.fingerprint(), self.precision, 0 if exact else self.side)
        return fingerprint("upscale", *parts, *network)

    def describe(self) -> str:
        by = self.network.describe() if self.network and self.strength else "Lanczos"
        if 0 < self.strength < 1 and self.network:
            by += f" ({self.strength:.0%}, the rest Lanczos)"
        size = self.target.value
        if self.target is Target.CUSTOM:
            size = "x".join(str(side or "any") for side in self.custom)
        return f"upscaled to {size} ({self.rule.value}) by {by}"

    @torch.no_grad()
    def _upscale(
        self,
        frames: list[Tensor],
        number: int,
        plan: SizePlan,
        tiled: TiledNetwork | None,
        room: Room,
    ) -> Iterator[Tensor]:
        """Frames (H, W, C), the first of which is `number`, in their new size."""
        left, top = plan.source_at
        width, height = plan.source_size
        pictures = torch.stack([frame.movedim(-1, 0) for frame in frames])
        pictures = pictures[..., top : top + height, left : left + width]
        pictures = pictures.to(room.device, torch.float32).clamp(0, 1)
        if pictures.isnan().any():
            raise ValueError(
                f"Frame {number} or one of {len(frames)} from there holds values that are not "
                "numbers: look at what made it, half precision often did."
            )
        larger = self._networked(pictures[:, :RGB], plan, tiled) if plan.inputs else None
        for place, picture in enumerate(pictures):
            plain = resample(picture, *plan.picture) if self._needs_plain(picture, plan) else None
            made = plain if larger is None else resample(larger[place], *plan.picture)
            if larger is not None and self.strength < 1:
                made = torch.lerp(plain[:RGB], made, self.strength)
            if larger is not None and len(picture) > RGB:
                made = torch.cat([made, plain[RGB:]])
            yield _framed(made, plan, room.output)

    def _needs_plain(self, picture: Tensor, plan: SizePlan) -> bool:
        return not plan.inputs or self.strength < 1 or len(picture) > RGB

    @staticmethod
    def _networked(pictures: Tensor, plan: SizePlan, tiled: TiledNetwork) -> Tensor:
        for size in plan.inputs:
            pictures = tiled(resample(pictures, *size).clamp(0, 1))
        return pictures


def _together(plan: SizePlan, room: Room) -> int:
    """How many frames go through the network at once."""
    width, height = plan.source_size
    return max(1, room.batch_pixels // (width * height)) if plan.inputs else 1


def _framed(picture: Tensor, plan: SizePlan, device: torch.device) -> Tensor:
    """A picture (C, h, w) as the frame (H, W, C): cut, or with opaque black bars."""
    width, height = plan.size
    left, top = plan.picture_at
    shown = picture[:, max(0, -top) :, max(0, -left) :][:, :height, :width]
    shown = shown.movedim(0, -1)
    frame = torch.empty(height, width, len(picture), device=picture.device)
    if shown.shape != frame.shape:
        frame[..., :RGB], frame[..., RGB:] = 0, 1
    inside = frame[max(0, top) :, max(0, left) :][: shown.shape[0], : shown.shape[1]]
    torch.clamp(shown, 0, 1, out=inside)
    return frame.to(device)
