"""Putting wrappers on a MODEL in their place, and taking all of a feature's off again."""

from __future__ import annotations

from collections.abc import Callable

from comfy.model_patcher import ModelPatcher


def add_outermost(model: ModelPatcher, kind: str, key: str, wrapper: Callable) -> None:
    """Around the wrappers that the model has, and those that later nodes put on its clones."""
    model.add_wrapper_with_key(kind, key, wrapper)
    wrappers = model.wrappers[kind]
    model.wrappers[kind] = {key: wrappers.pop(key), **wrappers}


def without_wrappers(model: ModelPatcher, key: str) -> ModelPatcher:
    """A clone without the wrappers of any kind, and without the attachment, of this key."""
    patched = model.clone()
    for kind in patched.wrappers:
        patched.remove_wrappers_with_key(kind, key)
    patched.attachments.pop(key, None)
    return patched
