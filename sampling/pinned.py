"""Copies between the host and the device, beside the computation where the device can.

On CUDA they run on a stream of their own, from and into pinned memory, one after the other: what
is written is there when it is read again. Elsewhere they are done at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor

Copies = Iterable[tuple[Tensor, Tensor]]  # (to, from)


class Arrival(Protocol):
    """When the copies are done, as torch's events tell it."""

    def wait(self) -> None:
        """Let what is computed from here on wait for them."""

    def synchronize(self) -> None:
        """Wait for them here."""


class Lane(Protocol):
    def carry(self, buffer: Tensor, copies: Copies) -> Arrival:
        """Copy to or from pieces of `buffer`, which is on the device."""


class AtOnce:
    """A lane for devices without streams; its arrivals have always arrived."""

    def carry(self, buffer: Tensor, copies: Copies) -> AtOnce:
        for to, source in copies:
            to.copy_(source)
        return self

    def wait(self) -> None:
        pass

    def synchronize(self) -> None:
        pass


class SideStream:
    """Copies on a CUDA stream beside the one that computes."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)

    def carry(self, buffer: Tensor, copies: Copies) -> torch.cuda.Event:
        # What was asked of the device so far comes first: it may fill the buffer, or still use
        # the memory that the buffer was made from.
        self.stream.wait_stream(torch.cuda.current_stream(buffer.device))
        with torch.cuda.stream(self.stream):
            for to, source in copies:
                to.copy_(source, non_blocking=True)
        # Dropped before its turn, the buffer must not become other memory until then.
        buffer.record_stream(self.stream)
        return self.stream.record_event()


def lane_for(device: torch.device) -> Lane:
    return SideStream(device) if device.type == "cuda" else AtOnce()


def host_tensor(shape: tuple[int, ...], dtype: torch.dtype, pinned: bool) -> Tensor | None:
    """Uninitialised host memory, pinned if it can be; None when there is none left."""
    for pin in (True, False) if pinned else (False,):
        try:
            return torch.empty(shape, dtype=dtype, pin_memory=pin)
        except (RuntimeError, MemoryError):
            continue  # the system limits pinned memory more tightly than memory
    return None


def give_back_pinned() -> None:
    """Torch keeps pinned memory for later; a film's worth of it belongs to the system."""
    if hasattr(torch._C, "_host_emptyCache"):
        torch._C._host_emptyCache()
