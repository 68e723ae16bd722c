"""Bad input through the API: one line that says what was found and what to do, and no file left."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
MINI = ROOT / "models" / "weights" / "svd_mini.safetensors"

pytestmark = pytest.mark.comfy


@pytest.fixture(autouse=True)
def picture(server):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    Image.fromarray(pixels).save(server.base / "input" / "picture.png")


@pytest.fixture
def graph(first_light):
    graph, by_class = first_light
    by_class["LoadImage"]["image"] = "picture.png"
    return graph, by_class


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def refused(server, graph, *words):
    """The graph fails with one line that holds every word, and writes nothing."""
    before = files_below(server.base / "output")
    outputs, failures = server.queue(graph)
    assert len(failures) == 1
    assert "\n" not in failures[0]
    for word in words:
        assert word in failures[0]
    assert files_below(server.base / "output") == before
    assert "7" not in outputs


def test_the_graph_itself_runs(server, graph):
    outputs, failures = server.queue(graph[0])
    assert not failures
    (film,) = outputs["7"]["svd_film"]
    assert (server.base / "output" / film["subfolder"] / film["filename"]).stat().st_size > 0


def checkpoint(server, name):
    folder = server.base / "models" / "checkpoints"
    folder.mkdir(exist_ok=True)
    return folder / name


def image_model(context_dim):
    return {
        "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(320, 4, 3, 3),
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (
            torch.zeros(8, context_dim)
        ),
        "first_stage_model.decoder.conv_in.weight": torch.zeros(8, 4, 3, 3),
    }


@pytest.mark.parametrize(("kind", "dim"), [("SDXL", 2048), ("SD 1.x", 768)], ids=["sdxl", "sd15"])
def test_an_image_model_is_named_as_one(server, graph, kind, dim):
    save_file(image_model(dim), checkpoint(server, f"image_{dim}.safetensors"))
    graph[1]["SVDStudioLoadModel"]["checkpoint"] = f"image_{dim}.safetensors"
    refused(server, graph[0], f"image_{dim}.safetensors", kind, "svd_xt.safetensors")


def test_a_truncated_file_is_named_as_one(server, graph):
    data = MINI.read_bytes()
    checkpoint(server, "cut.safetensors").write_bytes(data[: len(data) // 2])
    graph[1]["SVDStudioLoadModel"]["checkpoint"] = "cut.safetensors"
    refused(server, graph[0], "cut.safetensors", "truncated", "again")


@pytest.mark.parametrize("name", ["weights.ckpt", "disguised.safetensors"])
def test_a_pickle_is_not_opened(server, graph, name):
    checkpoint(server, name).write_bytes(pickle.dumps({"state_dict": {}}))
    graph[1]["SVDStudioLoadModel"]["checkpoint"] = name
    refused(server, graph[0], name, "pickle", ".safetensors")


@pytest.mark.parametrize(
    ("prefix", "part"),
    [("conditioner.", "image encoder"), ("first_stage_model.", "VAE")],
    ids=["image-encoder", "vae"],
)
def test_a_missing_part_is_named(server, graph, prefix, part):
    weights = {k: v for k, v in load_file(MINI).items() if not k.startswith(prefix)}
    name = f"without_{prefix}safetensors"
    save_file(weights, checkpoint(server, name))
    graph[1]["SVDStudioLoadModel"]["checkpoint"] = name
    refused(server, graph[0], name, part)


@pytest.mark.parametrize(
    ("node", "name", "value", "words"),
    [
        ("SVDStudioConditioning", "width", 100, ["Width is 100", "multiple of 8"]),
        ("SVDStudioConditioning", "frames", 1, ["1 frame", "at least 2"]),
        ("SVDStudioSampler", "steps", 0, ["steps", "0", "1"]),
    ],
    ids=["width", "frames", "steps"],
)
def test_a_wrong_number_is_refused(server, graph, node, name, value, words):
    graph[1][node][name] = value
    refused(server, graph[0], *words)


@pytest.mark.parametrize(
    ("node", "name", "words"),
    [("3", "image", "No picture"), ("7", "images", "no frames")],
    ids=["conditioning", "save"],
)
def test_an_empty_image_list_is_refused(server, graph, node, name, words):
    graph[0]["8"] = {"class_type": "TestEmptyImages", "inputs": {}}
    graph[0][node]["inputs"][name] = ["8", 0]
    refused(server, graph[0], words)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small tmpfs")
@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_a_full_disk_is_said_and_leaves_nothing(server, graph):
    folder = server.base / "output" / "full"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(folder)])
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        graph[1]["SVDStudioSaveVideo"]["filename_prefix"] = "full/film"
        refused(server, graph[0], "full", "free")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
