"""What upscaling asks of a network, and of the device that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

CPU = torch.device("cpu")
CPU_BYTES = 2 * 2**30


class Network(Protocol):
    """A network that takes RGB (B, 3, H, W) in 0..1 and gives (B, 3, scale * H, scale * W), in
    0..1 too.

    Sides must be multiples of `multiple_of`, `minimum` at least, and equal if it is `square`.
    `reach` is how many pixels around it a pixel depends on, or None where that is too many.
    """

    @property
    def scale(self) -> int: ...
    @property
    def multiple_of(self) -> int: ...
    @property
    def minimum(self) -> int: ...
    @property
    def square(self) -> bool: ...
    @property
    def reach(self) -> int | None: ...
    @property
    def supports_half(self) -> bool: ...
    @property
    def supports_bfloat16(self) -> bool: ...

    def __call__(self, rgb: Tensor) -> Tensor: ...

    def fingerprint(self) -> str:
        """The same for two networks that give the same pixels."""
        ...

    def describe(self) -> str:
        """Its name, in the user's words."""
        ...


@dataclass(frozen=True)
class Room:
    """A device with the network on it, and the memory that is there.

    `reserve(wish)` makes room for `wish` bytes if it can, and gives how many may be taken. Frames
    end on `output`. Up to `batch_pixels` pixels of several frames go through the network together;
    with 0, each frame goes alone. `between_tiles` may raise, to stop.
    """

    device: torch.device
    reserve: Callable[[int], int]
    output: torch.device = CPU
    batch_pixels: int = 0
    between_tiles: Callable[[], None] = lambda: None


@contextmanager
def on_cpu() -> Iterator[Room]:
    """The CPU, where the network is already."""
    yield Room(CPU, lambda wish: min(wish, CPU_BYTES))
