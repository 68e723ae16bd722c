"""Where a wrapper stands among those of others."""

from __future__ import annotations

from collections.abc import Callable

from comfy.model_patcher import ModelPatcher


def add_outermost(model: ModelPatcher, kind: str, key: str, wrapper: Callable) -> None:
    """Around the wrappers that the model has, and those that later nodes put on its clones."""
    model.add_wrapper_with_key(kind, key, wrapper)
    wrappers = model.wrappers[kind]
    model.wrappers[kind] = {key: wrappers.pop(key), **wrappers}
