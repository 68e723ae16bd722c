"""A graph that names a network which is not here is refused before anything is computed."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.comfy

GRAPH = Path(__file__).resolve().parents[2] / "workflows" / "api" / "image_to_4k.json"
FOLDERS = {"SVD Upscale": "upscale_models", "SVD Interpolate": "frame_interpolation"}


def errors_of(server, graph):
    """What /prompt objects to, by the node's title."""
    body = json.dumps({"prompt": graph}).encode()
    request = urllib.request.Request(f"{server.url}/prompt", body)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    answer = json.loads(refused.value.read())
    return {
        graph[key]["_meta"]["title"]: [error["details"] for error in found["errors"]]
        for key, found in answer["node_errors"].items()
    }


@pytest.fixture
def graph():
    nodes = json.loads(GRAPH.read_text(encoding="utf-8"))
    for node in nodes.values():
        if "model_name" in node["inputs"]:
            node["inputs"]["model_name"] = "not here.safetensors"
    return nodes


def test_both_networks_are_named_with_their_folders_and_the_way_out(server, graph):
    errors = errors_of(server, graph)
    assert errors.keys() == FOLDERS.keys()
    for title, folder in FOLDERS.items():
        (sentence,) = errors[title]
        for word in ("model_name", "not here.safetensors", f"models/{folder}", "needs no file"):
            assert word in sentence


def test_network_of_the_stabiliser_too(server, graph):
    stabiliser = next(node for node in graph.values() if "Stabilise" in node["class_type"])
    stabiliser["inputs"]["method"] = "gone.safetensors"
    (sentence,) = errors_of(server, graph)["SVD Stabilise"]
    assert "gone.safetensors in ComfyUI's models/temporalfix" in sentence
