"""workflows/*.json in the editor: they open whole, look tidy, mean their API twins, and run."""

from __future__ import annotations

import io
import itertools
import json

import pytest
from PIL import Image

from .conftest import ROOT
from .editor import CLASSIC, RENDERERS

pytestmark = pytest.mark.browser

WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
SAMPLER, SAVE = 5, 7  # nodes of first_light
WRITERS = ("SVDStudioSaveVideo", "SVDStudioWriteVideo")
TRAINER = "SVDStudioTrainLora"
# For a picture of the graph nobody waits for 4K.
QUICKER = {
    "SVDStudioUpscale": {"target": "network's own"},
    "SVDStudioInterpolate": {"seconds": 2.0},
    "SVDStudioTrainLora": {"steps": 100},
}
# Real networks of the same kind, which packages ship; the picture shows the graph's own names.
SHIPPED = {
    "RealESRGAN_x4plus.safetensors": "realesr-animevideov3-x4",
    "rife_v4.26.safetensors": "rife-4.6",
}
# Their image models are nowhere to be had: these are shown before they run.
NOT_RUN = ("sketch_to_4k", "text_to_4k")
THUMBNAIL_WIDTH = 1600
SCALE = 0.8  # of the view that the files are saved with


@pytest.fixture(scope="module")
def editors(new_editor):
    """One editor a renderer: opening a page takes longer than opening a graph."""
    made = {}

    def get(renderer):
        if renderer not in made:
            made[renderer] = new_editor(renderer)
        return made[renderer]

    return get


@pytest.fixture(
    scope="module",
    params=itertools.product(RENDERERS, WORKFLOWS),
    ids=lambda pair: f"{pair[1].stem}-{pair[0]}",
)
def opened(editors, request):
    renderer, path = request.param
    editor = editors(renderer)
    editor.forget_complaints()
    editor.open(path)
    return editor, path


@pytest.fixture(scope="module")
def after_run(new_editor):
    editor = new_editor()
    editor.open(FIRST_LIGHT)
    editor.call("set", SAMPLER, "steps", 2)
    editor.call("run")
    editor.wait_for_film(SAVE)
    return editor


def overlaps(boxes):
    """Pairs of titles whose [left, top, right, bottom] meet."""
    return [
        (first[0], second[0])
        for first, second in itertools.combinations(boxes, 2)
        if first[1] < second[3]
        and second[1] < first[3]
        and first[2] < second[4]
        and second[2] < first[4]
    ]


def test_workflow_opens_without_a_complaint(opened):
    editor, _ = opened
    assert editor.call("complaints") == []
    assert editor.errors == []


def test_workflow_is_offered_among_the_templates(opened):
    editor, path = opened
    offered = editor.page.evaluate(
        "fetch('/api/workflow_templates').then((answer) => answer.json())"
    )
    assert path.stem in offered["svd-studio"]


def test_missing_node_is_a_complaint(editor, tmp_path):
    """The test above could not fail if dialogs were not seen."""
    graph = json.loads(FIRST_LIGHT.read_text(encoding="utf-8"))
    graph["nodes"][1]["type"] = "NoSuchNode"
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(graph), encoding="utf-8")
    editor.open(changed)
    editor.page.locator(".p-dialog").wait_for()
    assert "NoSuchNode" in editor.call("complaints")[0]


def test_every_link_of_the_file_arrives(opened):
    editor, path = opened
    expected = json.loads(path.read_text(encoding="utf-8"))["links"]
    assert sorted(editor.saved()["links"]) == sorted(expected)
    assert editor.call("brokenLinks") == []


def test_widgets_hold_the_values_of_the_file(opened):
    editor, path = opened

    def values(graph):
        return {node["id"]: node["widgets_values"] for node in graph["nodes"]}

    assert values(editor.saved()) == values(json.loads(path.read_text(encoding="utf-8")))


def test_workflow_queues_what_its_api_twin_says(opened):
    editor, path = opened
    twin = json.loads((path.parent / "api" / path.name).read_text(encoding="utf-8"))

    def meaning(graph):
        return {name: (node["class_type"], node["inputs"]) for name, node in graph.items()}

    assert meaning(editor.prompt()) == meaning(twin)


def test_nodes_keep_the_size_of_the_file(opened):
    """A node that its widgets do not fit into grows, and then covers others."""
    editor, path = opened
    if editor.renderer != CLASSIC:
        pytest.skip("Nodes 2.0 sizes nodes by their content; what counts is that they lie apart")

    def sizes(graph):
        return {node["id"]: node["size"] for node in graph["nodes"]}

    assert sizes(editor.saved()) == sizes(json.loads(path.read_text(encoding="utf-8")))


def test_nodes_lie_apart(opened):
    editor, _ = opened
    assert overlaps(editor.call("boxes")) == []


def test_nodes_lie_apart_when_the_film_is_shown(after_run):
    assert overlaps(after_run.call("boxes")) == []


def test_first_light_runs_without_a_complaint(after_run):
    assert after_run.call("complaints") == []
    assert after_run.errors == []


def test_first_light_shows_its_film(after_run):
    film = after_run.call("film", SAVE)
    assert film["visible"]
    assert (film["file"]["subfolder"], film["file"]["type"]) == ("video", "output")


def test_running_first_light_leaves_its_seeds_alone(after_run):
    twin = json.loads((FIRST_LIGHT.parent / "api" / FIRST_LIGHT.name).read_text(encoding="utf-8"))
    queued = after_run.prompt()
    seeds = {
        name: node["inputs"]["seed"] for name, node in twin.items() if "seed" in node["inputs"]
    }
    assert {name: queued[name]["inputs"]["seed"] for name in seeds} == seeds


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_picture_of_the_workflow_is_taken(new_editor, networks, request, path):
    if not request.config.getoption("--update-pictures", False):
        pytest.skip("takes a new picture only with --update-pictures --picture FILE")
    if not request.config.getoption("--picture"):
        pytest.fail("--update-pictures needs --picture: a drawn picture is none to show")
    networks(*SHIPPED.values())
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
    editor = new_editor()
    fit(editor.page, nodes)
    editor.open(path)
    if path.stem not in NOT_RUN:
        run_quickly(editor, nodes)
    take(editor.page, path.with_suffix(".jpg"))


def fit(page, nodes):
    """A page in which the whole graph is seen. Zoomed out further, the editor leaves out text."""
    right = max(node["pos"][0] + node["size"][0] for node in nodes)
    bottom = max(node["pos"][1] + node["size"][1] for node in nodes)
    width, height = round(right * SCALE) + 60, round(bottom * SCALE) + 120
    page.set_viewport_size({"width": max(1400, width), "height": max(800, height)})


def run_quickly(editor, nodes):
    """Run a graph with less work, and leave its widgets as the file has them."""
    last = next(node for node in nodes if node["type"] in (*WRITERS, TRAINER))
    kept = {}
    for node in nodes:
        for widget, value in lighter(editor, node).items():
            kept[node["id"], widget] = editor.call("get", node["id"], widget)
            editor.call("set", node["id"], widget, value)
    editor.call("run")
    if last["type"] == TRAINER:
        editor.wait_for_pictures(last["id"])
    editor.settle(60)
    if editor.call("plays", last["id"]):
        editor.wait_for_film(last["id"])
    for node in nodes:
        if node["type"] == "PreviewImage":
            editor.wait_for_pictures(node["id"])
    for place, value in kept.items():
        editor.call("set", *place, value)
    editor.settle()


def lighter(editor, node):
    """What is changed about a node while its picture is made: new values by widget."""
    changes = dict(QUICKER.get(node["type"], {}))
    if "model_name" in widgets(node):
        shipped = SHIPPED.get(editor.call("get", node["id"], "model_name"))
        changes |= {"model_name": f"{shipped}.safetensors"} if shipped else {}
    if node["type"] == "SVDStudioConditioning":  # a size of its own is that of the published model
        for side in ("width", "height"):
            changes[side] = editor.call("get", node["id"], side) // 4
    return changes


def widgets(node):
    return {each["widget"]["name"] for each in node.get("inputs", ()) if "widget" in each}


def take(page, file):
    """A screenshot, as wide as a template's picture is ever shown."""
    with Image.open(io.BytesIO(page.screenshot(type="png"))) as shot:
        height = round(shot.height * THUMBNAIL_WIDTH / shot.width)
        smaller = shot.convert("RGB").resize((THUMBNAIL_WIDTH, height), Image.Resampling.LANCZOS)
    smaller.save(file, quality=82, optimize=True)
