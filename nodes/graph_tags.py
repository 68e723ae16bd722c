"""The graph as tags of a film."""

from __future__ import annotations

import json
from collections.abc import Mapping

from comfy.cli_args import args

WEIGHTS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".pkl", ".bin")


def graph_tags(prompt: dict | None, extra_pnginfo: dict | None) -> dict[str, str]:
    """The graph as tags that ComfyUI reads back, unless it was started with --disable-metadata."""
    if args.disable_metadata:
        return {}
    found = {"prompt": prompt, **(extra_pnginfo or {})}
    return {name: json.dumps(value) for name, value in found.items() if value is not None}


def origin_tags(prompt: dict | None, licence: str) -> dict[str, str]:
    """Which weights the graph names, and the licence note; nothing with --disable-metadata."""
    if args.disable_metadata:
        return {}
    told = {"model": ", ".join(_weights_in(prompt or {})), "copyright": licence.strip()}
    return {name: text for name, text in told.items() if text}


def _weights_in(prompt: Mapping[str, Mapping]) -> list[str]:
    values = [value for node in prompt.values() for value in node.get("inputs", {}).values()]
    named = [value for value in values if isinstance(value, str) and value.endswith(WEIGHTS)]
    return list(dict.fromkeys(named))
