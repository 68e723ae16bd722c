"""A LoRA that acts within a range of sigma only, on top of whatever else is on the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from comfy.model_base import BaseModel
from torch import Tensor

from .lora_adapters import CorePatch, moved, patched_weight


class LoraWindow:
    """Hangs adapters on the layers for one evaluation at a time, and takes them off again.

    Layers of core call functions on the copy of their weight that they compute with. Nothing stays
    on them between evaluations, so other clones of the model and steps outside the window compute
    as if this were not there, and core may move weights as it likes.
    """

    def __init__(
        self, patches: Mapping[str, tuple[CorePatch, float]], start_sigma: float, end_sigma: float
    ) -> None:
        self._patches = self._at_hand = dict(patches)
        self._start_sigma, self._end_sigma = start_sigma, end_sigma

    def run(
        self,
        executor: Callable,
        *args: Any,  # noqa: ANN401 - whatever this ComfyUI passes on
        **kwargs: Any,  # noqa: ANN401
    ) -> Tensor:
        """Wrapper of core's `outer_sample`: the factors wait on the device while a run lasts."""
        device = executor.class_obj.model_patcher.load_device
        self._at_hand = {
            key: (moved(patch, device), strength)
            for key, (patch, strength) in self._patches.items()
        }
        try:
            return executor(*args, **kwargs)
        finally:
            self._at_hand = self._patches

    def evaluate(
        self,
        executor: Callable,
        x: Tensor,
        sigma: Tensor,
        *args: Any,  # noqa: ANN401 - whatever this ComfyUI passes on
        **kwargs: Any,  # noqa: ANN401
    ) -> Tensor:
        """Wrapper of core's `apply_model`."""
        if not self._end_sigma < float(sigma.max()) <= self._start_sigma:
            return executor(x, sigma, *args, **kwargs)
        with self._on_layers(executor.class_obj):
            return executor(x, sigma, *args, **kwargs)

    @contextmanager
    def _on_layers(self, model: BaseModel) -> Iterator[None]:
        """Last of the functions, so that it sees weights as core and earlier windows patch them."""
        before = []
        try:
            for key, (patch, strength) in self._at_hand.items():
                name, _, parameter = key.rpartition(".")
                layer, functions = model.get_submodule(name), f"{parameter}_function"
                found = getattr(layer, functions)
                before.append((layer, functions, found))
                ours = partial(patched_weight, key, patch=patch, strength=strength)
                setattr(layer, functions, [*found, ours])
            yield
        finally:
            for layer, functions, found in reversed(before):
                setattr(layer, functions, found)
