"""Faults on demand: an allocator that runs out of memory when a test says so."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class ShortMemory(TorchDispatchMode):
    """Counts tensors of `large` bytes or more as they are made, and refuses some of them.

    `fail_at`: the number, from 0, of the one that is refused. `limit`: every tensor of more bytes
    is refused, as if the device had no more. `largest` is the largest that was asked for.
    """

    def __init__(self, large: int, fail_at: int | None = None, limit: float = float("inf")):
        super().__init__()
        self.large, self.fail_at, self.limit = large, fail_at, limit
        self.count = self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        kwargs = kwargs or {}
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if is_tensor(t)}
        out = func(*args, **kwargs)
        for tensor in filter(is_tensor, tree_leaves(out)):
            if tensor.untyped_storage()._cdata not in given:
                self._allocate(tensor.untyped_storage().nbytes())
        return out

    def _allocate(self, size: int) -> None:
        self.largest = max(self.largest, size)
        if size > self.limit:
            raise torch.OutOfMemoryError(f"a stand-in refused {size} bytes")
        if size >= self.large:
            self.count += 1
            if self.count - 1 == self.fail_at:
                raise torch.OutOfMemoryError(f"a stand-in refused allocation {self.fail_at}")


def is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)
