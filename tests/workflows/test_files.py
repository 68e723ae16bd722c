"""Workflow files and blueprints as ComfyUI's templates, its missing-model dialog and its registry
want them."""

import json
import re
import uuid
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
BLUEPRINTS = sorted((ROOT / "subgraphs").glob("*.json"))
FILES = [*WORKFLOWS, *BLUEPRINTS]

OURS = "SVDStudio"
DRAWN_ONLY = {"MarkdownNote", "Note", "Reroute", "PrimitiveNode"}
WEIGHTS = re.compile(r"\.(safetensors|sft|ckpt|pth?|bin|onnx|gguf)$")
# What the missing-model dialog of the editor downloads from.
HOSTS = ("https://huggingface.co/", "https://civitai.com/")
ONE_MORE = "https://github.com/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth"
FOLDERS = {
    "checkpoints",
    "clip_vision",
    "controlnet",
    "diffusion_models",
    "frame_interpolation",
    "loras",
    "temporalfix",
    "text_encoders",
    "upscale_models",
    "vae",
}
PRIVATE = re.compile(
    r"(?<![\w.:/])/(?:home|root|tmp|work|usr|var|mnt|opt|Users)/|[A-Za-z]:\\\\|file://"
    r"|localhost|127\.0\.0\.1|\b[\w.]+@[\w-]+\.\w+"
)
EXTRA = {
    "BlueprintDescription",
    "BlueprintSearchAliases",
    "ds",
    "frontendVersion",
    "linkExtensions",
    "reroutes",
    "workflowRendererVersion",
}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def canvases(graph):
    """The graph itself and the insides of its subgraphs."""
    return [graph, *graph.get("definitions", {}).get("subgraphs", [])]


def nodes_of(path):
    return [node for canvas in canvases(read(path)) for node in canvas["nodes"]]


def is_subgraph(node):
    return re.fullmatch(r"[0-9a-f-]{36}", node["type"]) is not None


def real_nodes(path):
    """Nodes that run: neither notes nor subgraphs, whose insides are looked at anyway."""
    return [
        node for node in nodes_of(path) if node["type"] not in DRAWN_ONLY and not is_subgraph(node)
    ]


def named(files):
    return pytest.mark.parametrize("path", files, ids=lambda path: path.stem)


def project_version():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.+)"', text, re.MULTILINE)[1]


@named(FILES)
def test_version_is_the_one_that_every_editor_reads(path):
    assert read(path)["version"] == 0.4


@named(FILES)
def test_id_is_a_uuid(path):
    assert str(uuid.UUID(read(path)["id"])) == read(path)["id"]


def test_no_two_files_have_the_same_id():
    ids = [canvas["id"] for path in FILES for canvas in canvases(read(path))]
    assert len(set(ids)) == len(ids)


@named(WORKFLOWS)
def test_picture_of_the_workflow_lies_beside_it(path):
    with Image.open(path.with_suffix(".jpg")) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 256


@named(WORKFLOWS)
def test_note_says_what_to_change_and_groups_say_what_is_what(path):
    graph = read(path)
    notes = [node for node in graph["nodes"] if node["type"] == "MarkdownNote"]
    assert notes
    assert all(len(node["widgets_values"][0]) > 100 for node in notes)
    assert graph["groups"]
    assert all(group["title"] for group in graph["groups"])


@named(FILES)
def test_every_node_says_which_pack_it_is_from(path):
    def wanted(node):
        ours = node["type"].startswith(OURS)
        return ("svd-studio", project_version()) if ours else ("comfy-core", "0.3.75")

    said = {
        node["type"]: (node["properties"].get("cnr_id"), node["properties"].get("ver"))
        for node in real_nodes(path)
    }
    assert said == {node["type"]: wanted(node) for node in real_nodes(path)}


@named(FILES)
def test_every_node_names_its_type_for_searches(path):
    assert all(node["properties"]["Node name for S&R"] == node["type"] for node in real_nodes(path))


def weights_of(node):
    values = node.get("widgets_values") or []
    values = values.values() if isinstance(values, dict) else values
    return {value for value in values if isinstance(value, str) and WEIGHTS.search(value)}


@named(FILES)
def test_every_file_that_ComfyUI_does_not_bring_can_be_fetched(path):  # noqa: N802
    for node in real_nodes(path):
        models = node["properties"].get("models", [])
        assert {model["name"] for model in models} == weights_of(node), node["type"]


@named(FILES)
def test_every_file_comes_from_where_the_editor_downloads(path):
    for model in (m for node in real_nodes(path) for m in node["properties"].get("models", [])):
        url = model["url"]
        assert url.startswith(HOSTS) or url == ONE_MORE
        assert url.split("?")[0].endswith(f"/{model['name']}")
        assert model["directory"] in FOLDERS
        if "hash" in model:
            assert model["hash_type"] == "SHA256"
            assert re.fullmatch(r"[0-9a-f]{64}", model["hash"])


@named(FILES)
def test_nothing_of_the_author_is_left(path):
    text = path.read_text(encoding="utf-8")
    assert not PRIVATE.findall(text)
    for canvas in canvases(read(path)):
        assert set(canvas.get("extra") or {}) <= EXTRA


@named(FILES)
def test_nodes_are_switched_on_and_within_the_last_ids(path):
    graph = read(path)
    assert all(node["mode"] in (0, 2, 4) for node in nodes_of(path))
    assert max(node["id"] for node in graph["nodes"]) <= graph["last_node_id"]
    assert max((link[0] for link in graph["links"]), default=0) <= graph["last_link_id"]


@named(FILES)
def test_links_join_outputs_and_inputs_that_know_of_them(path):
    graph = read(path)
    by_id = {node["id"]: node for node in graph["nodes"]}
    for number, origin, slot, target, place, _ in graph["links"]:
        assert number in by_id[origin]["outputs"][slot]["links"]
        assert by_id[target]["inputs"][place]["link"] == number
    linked = {slot["link"] for node in graph["nodes"] for slot in node.get("inputs") or ()}
    assert linked - {None} == {link[0] for link in graph["links"]}


def test_every_node_of_the_pack_occurs_in_a_graph():
    known = set(read(ROOT / "tests" / "golden" / "nodes.json"))
    used = {node["type"] for path in FILES for node in real_nodes(path)}
    assert known - used == set()


def test_every_workflow_has_an_api_twin_and_every_twin_a_workflow():
    twins = {path.name for path in (ROOT / "workflows" / "api").glob("*.json")}
    assert twins == {path.name for path in WORKFLOWS}
