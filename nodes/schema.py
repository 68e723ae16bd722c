"""The V3 schema of ComfyUI 0.3.75, with what newer versions add where they know it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from comfy_api.latest import io

CATEGORY = "SVD Studio"


def schema(**arguments: Any) -> io.Schema:  # noqa: ANN401 - whatever this ComfyUI's Schema takes
    """An `io.Schema` in our category, without the arguments that this ComfyUI does not know."""
    known = {field.name for field in fields(io.Schema)}
    arguments.setdefault("category", CATEGORY)
    return io.Schema(**{name: value for name, value in arguments.items() if name in known})


def advanced(widget: Any) -> Any:  # noqa: ANN401 - any kind of input, given back
    """Fold the input away in front ends that can (0.9.2 and newer)."""
    widget.extra_dict["advanced"] = True
    return widget


def choice_output(**arguments: Any) -> Any:  # noqa: ANN401
    """An output that fits inputs of choices: core's own one has its choices for a type."""
    return io.Custom("COMBO").Output(**arguments)


def seed_input() -> io.Int.Input:
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=True,
        tooltip="Same seed and settings: the same film. Nothing else here is random.",
    )
