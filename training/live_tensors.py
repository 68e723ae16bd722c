"""The bytes of tensors alive at once, counted as a model runs: peaks without a GPU.

Works on the meta device, where nothing is computed and a full-size film takes seconds. What a
backward pass makes counts too, and what the forward keeps for it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class NewTensors(TorchDispatchMode):
    """Inside the `with` block, sees every tensor that takes memory of its own as it is made."""

    def __torch_dispatch__(  # noqa: ANN204 - torch's signature
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple = (),
        kwargs: dict | None = None,
    ):
        kwargs = kwargs or {}
        given = {t.untyped_storage()._cdata for t in _tensors((args, kwargs))}
        out = func(*args, **kwargs)
        for tensor in _tensors(out):
            # A view of what was there before, of a weight say, is no new memory.
            if tensor.untyped_storage()._cdata not in given:
                self.made(tensor)
        return out

    def made(self, tensor: torch.Tensor) -> None:
        raise NotImplementedError


class LivePeak(NewTensors):
    """Inside the `with` block every new storage counts until it is freed; see `peak`, in bytes.

    What exists before the block, as weights do, does not count. `device_type` limits the count to
    one kind of device, so that what waits in host memory is not taken for device memory.
    """

    def __init__(self, device_type: str | None = None) -> None:
        super().__init__()
        self.device_type = device_type
        self.live = self.peak = 0
        self._alive: dict[int, int] = {}

    def made(self, tensor: torch.Tensor) -> None:
        if self.device_type not in (None, tensor.device.type):
            return
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return
        self._alive[key] = size
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._alive.pop(key, None)
        self.live -= size


def _tensors(tree: Any) -> Iterator[torch.Tensor]:  # noqa: ANN401
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))
