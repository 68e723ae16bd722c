"""Every frame with what is around it, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from torch import Tensor

from .stream import FrameStream

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Window(Generic[Seen]):
    """Frame `number`, and what was seen in the frames around it: `around[centre]` is its own.

    At both ends of the film `around` is shorter, and the frame not in its middle.
    """

    number: int
    frame: Tensor
    around: tuple[Seen, ...]
    centre: int

    def mirrored(self, radius: int) -> tuple[Seen, ...]:
        """2 * radius + 1 of what was seen, with the film mirrored at its first and last frame."""
        last = len(self.around) - 1
        return tuple(
            self.around[_reflected(self.centre + offset, last)]
            for offset in range(-radius, radius + 1)
        )


def windows(
    before: FrameStream, start: int, radius: int, see: Callable[[Tensor], Seen]
) -> Iterator[Window[Seen]]:
    """The window of every frame from number `start` on, which reaches `radius` to both sides.

    `see` is called once for every frame, so what is costly about one is not done again for its
    neighbours. Frames that have passed are let go: radius + 1 of them are held, and of what was
    seen 2 * radius + 1. What `see` keeps it holds itself.
    """
    first = max(0, start - radius)
    arriving = enumerate(before.frames(first), first)
    newest = first - 1
    waiting: deque[Tensor] = deque()
    around: deque[Seen] = deque()
    for number in count(start):
        for newest, frame in arriving:
            around.append(see(frame))
            if newest >= start:
                waiting.append(frame)
            if newest >= number + radius:
                break
        if not waiting:
            return
        while newest - len(around) + 1 < number - radius:
            around.popleft()
        centre = len(around) - 1 - (newest - number)
        yield Window(number, waiting.popleft(), tuple(around), centre)


def _reflected(index: int, last: int) -> int:
    """`index` as it comes out between two mirrors at 0 and `last`."""
    if last == 0:
        return 0
    turned = index % (2 * last)
    return min(turned, 2 * last - turned)
