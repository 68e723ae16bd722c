"""How much memory a network's activations take, found by running it once on a small picture."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .network import Network

SIDE = 32  # pixels; larger than every window of attention's, and quick on the CPU
# What is not seen: workspaces of convolutions, other memory layouts, fragments. Measured on the CPU
# with Real-ESRGAN Compact, the process grows by 1.0 (channels last) to 1.5 times what is counted.
UNSEEN = 1.5


def bytes_a_pixel(run: Callable[[Tensor], Tensor], network: Network, device: torch.device) -> float:
    """Bytes that are alive at once at most, for each pixel that goes in.

    `run` is the network as it will be called, in its precision.
    """
    side = math.ceil(max(SIDE, network.minimum) / network.multiple_of) * network.multiple_of
    picture = torch.full((1, 3, side, side), 0.5, device=device)
    with _Alive() as alive:
        run(picture)
    return alive.peak * UNSEEN / side**2


class _Alive(TorchDispatchMode):
    """Counts the bytes of the storages made within the block, until they are freed."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(  # noqa: ANN204 - torch's signature
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple = (),
        kwargs: dict | None = None,
    ):
        given = {t.untyped_storage()._cdata for t in _tensors((args, kwargs))}
        out = func(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            storage = tensor.untyped_storage()
            if storage._cdata not in given | self._seen:
                self._add(storage)
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        self._seen.add(key)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self._now -= size


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
