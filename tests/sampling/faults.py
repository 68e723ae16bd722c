"""Stand-ins for a device that runs out of memory."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class OutOfMemoryAt(TorchDispatchMode):
    """Raises torch's error when the allocations numbered `which`, of `size` bytes or more, are
    asked for; `count` is how many there were."""

    def __init__(self, which: set[int] | range, size: int) -> None:
        super().__init__()
        self.which, self.size, self.count = which, size, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        given = {t.untyped_storage()._cdata for t in _tensors((args, kwargs))}
        out = func(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            storage = tensor.untyped_storage()
            if storage._cdata not in given and storage.nbytes() >= self.size:
                self.count += 1
                if self.count - 1 in self.which:
                    raise torch.OutOfMemoryError(f"allocation {self.count - 1}")
        return out


def _tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
