"""dev/editor_graphs.py: an editor workflow means what ComfyUI's own editor queues for it.

tests/golden/editor_graphs.json holds workflows, and what front end 1.32.9 made of them;
tests/browser/test_editor_graphs.py asks it again.
"""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOLDEN = Path(__file__).parents[1] / "golden" / "editor_graphs.json"
RECORDED = json.loads(GOLDEN.read_text(encoding="utf-8"))
DEFINITIONS, CASES = RECORDED["definitions"], RECORDED["cases"]
SUBGRAPH = "44444444-4444-4444-8444-444444440000"


@pytest.fixture
def editor_graphs(script):
    return script("editor_graphs")


@pytest.fixture
def graphs(script):
    return script("graphs")


def meaning(graph):
    return {
        name: {
            "class_type": node["class_type"],
            "inputs": node["inputs"],
            "title": node["_meta"]["title"],
        }
        for name, node in graph.items()
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_workflow_means_what_the_editor_queues(editor_graphs, case):
    assert meaning(editor_graphs.to_api(case["workflow"], DEFINITIONS)) == case["prompt"]


def as_version_1(workflow):
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    links = [dict(zip(names, link, strict=True)) for link in workflow["links"]]
    return {**workflow, "version": 1, "links": links, "state": {}}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_version_1_of_the_file_format_means_the_same(editor_graphs, case):
    newer = as_version_1(case["workflow"])
    assert meaning(editor_graphs.to_api(newer, DEFINITIONS)) == case["prompt"]


def test_widgets_saved_by_name_are_found_by_name(editor_graphs):
    """Some packs write them so; the editor leaves it to their own JavaScript to read it."""
    values = {"height": 16, "width": 32}
    workflow = {"nodes": [{"id": 1, "type": "EmptyImage", "widgets_values": values}]}
    made = editor_graphs.to_api(workflow, DEFINITIONS)["1"]["inputs"]
    assert made == {"width": 32, "height": 16, "batch_size": 1, "color": 0}


def test_list_in_a_widget_is_not_taken_for_a_link(editor_graphs):
    workflow = {"nodes": [{"id": 1, "type": "SaveImage", "widgets_values": [["1", 0]]}]}
    made = editor_graphs.to_api(workflow, DEFINITIONS)["1"]["inputs"]
    assert made == {"filename_prefix": {"__value__": ["1", 0]}}


def test_newer_editors_write_promoted_values_in_the_order_of_the_inputs(editor_graphs):
    case = CASES["subgraph twice with own values"]
    newer = copy.deepcopy(case["workflow"])
    for node in newer["nodes"]:
        node["properties"].pop("proxyWidgets", None)
    assert meaning(editor_graphs.to_api(newer, DEFINITIONS)) == case["prompt"]


def test_unknown_node_is_named(editor_graphs, graphs):
    workflow = {"nodes": [{"id": 4, "type": "NoSuchNode", "title": "Mine"}]}
    with pytest.raises(graphs.GraphError, match=r"Mine \(id 4\): this ComfyUI has no node NoSuch"):
        editor_graphs.to_api(workflow, DEFINITIONS)


@pytest.mark.parametrize(
    "workflow",
    [
        {"nodes": [{"type": "EmptyImage"}]},
        {"nodes": [{"id": 1}]},
        {"nodes": [{"id": 1, "type": "EmptyImage"}], "links": [3]},
        {"nodes": ["EmptyImage"]},
        {"nodes": [{"id": 1, "type": SUBGRAPH}], "definitions": {"subgraphs": [{}]}},
    ],
    ids=["no id", "no type", "no link", "text", "empty subgraph"],
)
def test_damaged_workflow_is_refused_in_one_sentence(editor_graphs, graphs, workflow):
    with pytest.raises(graphs.GraphError, match="damaged") as caught:
        editor_graphs.to_api(workflow, DEFINITIONS)
    assert "\n" not in str(caught.value)


def test_subgraph_inside_itself_is_refused(editor_graphs, graphs):
    host = {"id": 1, "type": SUBGRAPH}
    inside = {"id": SUBGRAPH, "nodes": [host], "links": [], "inputs": [], "outputs": []}
    workflow = {"nodes": [host], "definitions": {"subgraphs": [inside]}}
    with pytest.raises(graphs.GraphError, match="contains itself"):
        editor_graphs.to_api(workflow, DEFINITIONS)


def test_links_in_a_circle_are_refused(editor_graphs, graphs):
    slot = {"name": "", "type": "*", "link": 1}
    first = {"id": 1, "type": "Reroute", "inputs": [slot], "outputs": [{"type": "*"}]}
    image = {"name": "images", "type": "IMAGE", "link": 2}
    links = [[1, 1, 0, 1, 0, "*"], [2, 1, 0, 2, 0, "IMAGE"]]
    workflow = {"nodes": [first, {"id": 2, "type": "SaveImage", "inputs": [image]}], "links": links}
    with pytest.raises(graphs.GraphError, match="circle"):
        editor_graphs.to_api(workflow, DEFINITIONS)


# ---- wrapping part of a chain into subgraphs does not change what the chain does ---------------


def invert(node_id, link, mode):
    slots = [{"name": "image", "type": "IMAGE", "link": link}]
    outputs = [{"name": "IMAGE", "type": "IMAGE"}]
    return {
        "id": node_id,
        "type": "ImageInvert",
        "mode": mode,
        "inputs": slots,
        "outputs": outputs,
    }


def chain(modes, wrapping, depth=0):
    """Inverting nodes in a row inside of a subgraph; `wrapping` subgraphs are around each other.

    Every one of them has nodes before and after the next one. Returns its definitions, inmost last.
    """
    count = len(modes[depth])
    before = count // 2
    ids = [node + 1 for node in range(count)]
    row = ids[:before] + ([100] if depth < wrapping else []) + ids[before:]
    links, nodes = [], []
    for place, node_id in enumerate([*row, -20]):
        origin = row[place - 1] if place else -10
        links.append(
            {
                "id": place,
                "origin_id": origin,
                "origin_slot": 0,
                "target_id": node_id,
                "target_slot": 0,
            }
        )
    for place, node_id in enumerate(row):
        if node_id == 100:
            nodes.append({**invert(100, place, 0), "type": f"{SUBGRAPH}{depth + 1}"})
        else:
            nodes.append(invert(node_id, place, modes[depth][node_id - 1]))
    drawn = {
        "id": f"{SUBGRAPH}{depth}",
        "nodes": nodes,
        "links": links,
        "inputs": [{"name": "image", "type": "IMAGE"}],
        "outputs": [{"name": "image", "type": "IMAGE", "linkIds": [len(row)]}],
    }
    return [drawn, *(chain(modes, wrapping, depth + 1) if depth < wrapping else [])]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(modes=st.lists(st.lists(st.sampled_from([0, 4]), max_size=4), min_size=1, max_size=4))
def test_chain_inside_of_subgraphs_is_the_same_chain(editor_graphs, modes):
    drawn = chain(modes, len(modes) - 1)
    blue = {
        "id": 1,
        "type": "EmptyImage",
        "widgets_values": [8, 8, 1, 0],
        "outputs": [{"type": "IMAGE"}],
    }
    host = {**invert(2, 1, 0), "type": f"{SUBGRAPH}0"}
    save = {
        "id": 3,
        "type": "SaveImage",
        "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
    }
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]]
    workflow = {
        "nodes": [blue, host, save],
        "links": links,
        "definitions": {"subgraphs": drawn},
    }
    graph = editor_graphs.to_api(workflow, DEFINITIONS)
    place, steps = graph["3"]["inputs"]["images"], 0
    while graph[place[0]]["class_type"] == "ImageInvert":
        place, steps = graph[place[0]]["inputs"]["image"], steps + 1
    assert place == ["1", 0]
    assert steps == sum(row.count(0) for row in modes) == len(graph) - 2
