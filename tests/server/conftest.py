"""A genuine ComfyUI server with the pack, shared by the tests of this folder."""

import importlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class RunningComfyUI:
    """The HTTP API, as a script of a user's would call it."""

    def __init__(self, url, base):
        self.url, self.base = url, base

    def object_info(self):
        return self.get("/object_info")

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as response:
            return json.loads(response.read())

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            return response.read()

    def run(self, graph):
        """Queue `graph`, wait for its end and return its history."""
        prompt_id = json.loads(self.post("/prompt", {"prompt": graph}))["prompt_id"]
        while not (history := self.get(f"/history/{prompt_id}")):
            time.sleep(0.1)
        return history[prompt_id]

    def queue(self, graph):
        """Run `graph`; returns (outputs by node, one message a failed node)."""
        try:
            entry = self.run(graph)
        except urllib.error.HTTPError as error:
            return {}, refusals(json.loads(error.read()))
        failures = [
            data["exception_message"].strip()
            for kind, data in entry["status"]["messages"]
            if kind == "execution_error"
        ]
        return entry["outputs"], failures


def refusals(answer):
    return [
        f"{error['message']} {error['details']}"
        for node in answer["node_errors"].values()
        for error in node["errors"]
    ]


# No node of core's makes an empty batch; other packs do.
EMPTY_IMAGES = """
import torch

class EmptyImages:
    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "make", "test"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def make(self):
        return (torch.zeros(0, 64, 64, 3),)

NODE_CLASS_MAPPINGS = {"TestEmptyImages": EmptyImages}
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    comfyui = os.environ.get("COMFYUI_PATH")
    if not comfyui:
        pytest.skip("COMFYUI_PATH names no ComfyUI")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "dev"))
        serve = importlib.import_module("serve")
        runtime = tmp_path_factory.mktemp("runtime")
        empty_images = runtime / "base" / "custom_nodes" / "empty_images.py"
        empty_images.parent.mkdir(parents=True)
        empty_images.write_text(EMPTY_IMAGES)
        with serve.running_server(Path(comfyui), runtime=runtime) as running:
            yield RunningComfyUI(running.url, runtime / "base")
        sys.modules.pop("serve")


@pytest.fixture
def first_light():
    """The demo's graph, small and quick: two steps, two frames."""
    graph = json.loads((ROOT / "workflows" / "api" / "first_light.json").read_text())
    by_class = {node["class_type"]: node["inputs"] for node in graph.values()}
    by_class["SVDStudioConditioning"] |= {"width": 64, "height": 64, "frames": 2}
    by_class["SVDStudioSampler"]["steps"] = 2
    return graph, by_class
