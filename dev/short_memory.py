"""Faults on demand: an allocator that runs out of memory when a test or a bench says so."""

from __future__ import annotations

from collections.abc import Container

import torch
from svd_studio.dev.live_peak import NewTensors


class ShortMemory(NewTensors):
    """Counts tensors of `large` bytes or more as they are made, and refuses some of them.

    `fail_at`: numbers, from 0, of those that are refused. `limit`: every tensor of more bytes
    is refused, as if the device had no more. `largest` is the largest that was asked for.
    """

    def __init__(
        self, large: int, fail_at: Container[int] = (), limit: float = float("inf")
    ) -> None:
        super().__init__()
        self.large, self.fail_at, self.limit = large, fail_at, limit
        self.count = self.largest = 0

    def made(self, tensor: torch.Tensor) -> None:
        size = tensor.untyped_storage().nbytes()
        self.largest = max(self.largest, size)
        if size > self.limit:
            raise torch.OutOfMemoryError(f"a stand-in refused {size} bytes")
        if size >= self.large:
            self.count += 1
            if self.count - 1 in self.fail_at:
                raise torch.OutOfMemoryError(f"a stand-in refused allocation {self.count - 1}")
