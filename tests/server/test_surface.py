"""The public surface: node ids, sockets and defaults, as ComfyUI itself reports them.

A change is meant to be seen: run with UPDATE_GOLDEN=1 to accept it.
"""

import json
import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "nodes.json"
PACK = "custom_nodes.svd-studio"
# Their options are the files on this machine, or what this version of core offers.
FOREIGN_OPTIONS = {"checkpoint", "vae", "image_encoder", "sampler", "model_name", "lora_name"}

pytestmark = pytest.mark.comfy


def surface(object_info):
    """Id, name, sockets and widget defaults of every node; no text that may be reworded."""
    return {
        node_id: {
            "display_name": info["display_name"],
            "output_node": info["output_node"],
            "inputs": {
                name: described(name, *spec)
                for group in ("required", "optional")
                for name, spec in info["input"].get(group, {}).items()
            },
            "outputs": dict(zip(info["output_name"], info["output"], strict=True)),
        }
        for node_id, info in sorted(object_info.items())
        if info["python_module"] == PACK
    }


def described(name, kind, options=None):
    options = options or {}
    kept = {key: options[key] for key in ("default", "min", "max", "step") if key in options}
    choices = options.get("options", kind if isinstance(kind, list) else None)
    if choices is not None and name not in FOREIGN_OPTIONS:
        kept["options"] = choices
    if name in FOREIGN_OPTIONS:
        kept.pop("default", None)
    return {"type": "COMBO" if isinstance(kind, list) else kind, **kept}


def test_surface_is_the_golden_one(server):
    found = surface(server.object_info())
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_every_input_has_a_tooltip(server):
    bare = [
        f"{node_id}.{name}"
        for node_id, info in server.object_info().items()
        if info["python_module"] == PACK
        for group in ("required", "optional")
        for name, spec in info["input"].get(group, {}).items()
        if not spec[1].get("tooltip")
    ]
    assert not bare


def test_every_node_has_a_description(server):
    nodes = server.object_info().values()
    assert all(i["description"] for i in nodes if i["python_module"] == PACK)
