"""Films that are made up as they are pulled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from svd_studio.video.fingerprint import fingerprint
from svd_studio.video.stream import Clip, FrameStream

FILM = Fraction(24000, 1001)


@dataclass(frozen=True)
class Waves:
    """Smooth colours that move; `asked` notes every frame that is made."""

    clip: Clip
    asked: list[int] = field(default_factory=list)
    fails_at: int = -1
    error: BaseException = field(default_factory=lambda: RuntimeError("cancelled"))

    def frames(self, start: int) -> Iterator[torch.Tensor]:
        y, x = torch.meshgrid(
            torch.linspace(0, 1, self.clip.height), torch.linspace(0, 1, self.clip.width),
            indexing="ij",
        )  # fmt: skip
        for number in range(start, self.clip.count):
            if number == self.fails_at:
                raise self.error
            self.asked.append(number)
            t = number / 10
            channels = [
                (4 * x + t).sin() * 0.4 + 0.5,
                (3 * y + t).cos() * 0.4 + 0.5,
                (x - y).abs(),
                (x + t) % 1,
            ]
            yield torch.stack(channels[: self.clip.channels], dim=-1)

    def fingerprint(self) -> str:
        return fingerprint("waves", self.clip)


def waves(count: int, height: int = 48, width: int = 64, channels: int = 3, **more) -> FrameStream:
    return FrameStream(Waves(Clip(count, height, width, channels, FILM), **more))
