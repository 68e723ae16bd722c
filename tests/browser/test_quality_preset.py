"""SVD Quality Preset: what a preset means is shown, and its outputs set SVD Sampler."""

from __future__ import annotations

import pytest

from .conftest import ROOT
from .editor import NODES_2, RENDERERS
from .test_presets import execute, values, wait_for_value

pytestmark = pytest.mark.browser

FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
CONDITION, GUIDANCE, SAMPLER = 3, 4, 5  # nodes of first_light
TYPE = "SVDStudioQualityPreset"
LINKED = ("steps", "schedule", "sampler")
WIDGET = """([id, name, fromLeft]) => {
    const { app, editor } = window;
    const node = app.graph.getNodeById(id);
    const x = fromLeft >= 0 ? fromLeft : node.size[0] + fromLeft;
    const point = [node.pos[0] + x, node.pos[1] + editor.widget(id, name).last_y + 10];
    const [left, top] = app.canvas.ds.convertOffsetToCanvas(point);
    const frame = app.canvas.canvas.getBoundingClientRect();
    return [left + frame.left, top + frame.top];
}"""
SOCKET = """([id, kind, name]) => {
    const { canvas, graph } = window.app;
    const node = graph.getNodeById(id);
    const slots = kind === "in" ? node.inputs : node.outputs;
    const slot = slots.findIndex((each) => each.name === name);
    const element = document.querySelector(`[data-slot-key="${id}-${kind}-${slot}"]`);
    if (element) {
        const { left, top, width, height } = element.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
    }
    const point = kind === "in" ? node.getInputPos(slot) : node.getOutputPos(slot);
    const [left, top] = canvas.ds.convertOffsetToCanvas(point);
    const frame = canvas.canvas.getBoundingClientRect();
    return [left + frame.left, top + frame.top];
}"""

# Add a node below another one, and look at both.
BELOW = """([type, id]) => {
    const { app, LiteGraph } = window;
    const [x, y] = app.graph.getNodeById(id).pos;
    const made = LiteGraph.createNode(type);
    made.pos = [x, y + 480];
    app.graph.add(made);
    app.canvas.ds.scale = 0.8;
    app.canvas.ds.offset = [600 - x, 190 - y];
    app.canvas.setDirty(true, true);
    return made.id;
}"""


@pytest.fixture(scope="module", params=RENDERERS)
def opened(new_editor, request):
    return new_editor(request.param)


@pytest.fixture
def editor(opened):
    """One page a renderer: opening one takes longer than a test."""
    opened.forget_complaints()
    opened.clear()
    return opened


@pytest.fixture
def meanings(editor):
    """What every preset means, as the server says."""
    info = editor.page.evaluate(
        "(type) => fetch(`/object_info/${type}`).then((answer) => answer.json())", TYPE
    )
    return info[TYPE]["input"]["required"]["preset"][1]["svd_presets"]


def add_preset(editor):
    node = editor.call("add", TYPE, 0, 0)
    editor.call("show", node)
    editor.settle(10)
    return node


def choose(editor, node, name, value):
    """Choose from a menu of the node with the mouse."""
    page = editor.page
    if editor.renderer == NODES_2:
        page.locator(f'[data-node-id="{node}"]').get_by_role("combobox", name=name).click()
        page.get_by_role("option", name=value, exact=True).click()
    else:
        page.mouse.click(*page.evaluate(WIDGET, [node, name, 80]))
        page.locator(".litemenu-entry").get_by_text(value, exact=True).click()
    wait_for_value(editor, node, name, value)


def one_more(editor, node, name):
    """Press the + of a number."""
    page = editor.page
    if editor.renderer == NODES_2:
        number = page.locator(f'[data-node-id="{node}"] .p-inputnumber')
        field = number.filter(has=page.locator(f'input[aria-label="{name}"]'))
        field.locator(".p-inputnumber-increment-button").click()
    else:
        page.mouse.click(*page.evaluate(WIDGET, [node, name, -24]))


def shown(editor, node, name):
    """The number that the page shows; the classic canvas paints what the widget holds."""
    if editor.renderer != NODES_2:
        return editor.call("get", node, name)
    field = editor.page.locator(f'[data-node-id="{node}"] input[aria-label="{name}"]')
    return float(field.input_value())


def test_a_preset_fills_what_it_means_and_one_undo_brings_the_rest_back(editor, meanings):
    node = add_preset(editor)
    before = values(editor, node)
    assert before == meanings["standard"] | {"preset": "standard", "fast_layers": True}
    choose(editor, node, "preset", "draft")
    assert values(editor, node) == before | meanings["draft"] | {"preset": "draft"}
    editor.settle()
    assert shown(editor, node, "steps") == meanings["draft"]["steps"]
    execute(editor, "Comfy.Undo")
    wait_for_value(editor, node, "preset", "standard")
    assert values(editor, node) == before
    assert editor.errors == []


def test_a_value_set_by_hand_makes_it_custom(editor, meanings):
    node = add_preset(editor)
    choose(editor, node, "preset", "draft")
    steps = meanings["draft"]["steps"]
    one_more(editor, node, "steps")
    wait_for_value(editor, node, "preset", "custom")
    assert values(editor, node) == meanings["draft"] | {
        "preset": "custom",
        "steps": steps + 1,
        "fast_layers": True,
    }
    execute(editor, "Comfy.Undo")
    wait_for_value(editor, node, "preset", "draft")
    assert editor.call("get", node, "steps") == steps
    choose(editor, node, "schedule", "exponential")
    wait_for_value(editor, node, "preset", "custom")
    choose(editor, node, "preset", "final")
    wait_for_value(editor, node, "schedule", meanings["final"]["schedule"])
    assert editor.call("get", node, "preset") == "final"


def test_graphs_copies_and_undo_keep_what_was_saved(editor):
    """Also where a preset meant something else when the graph was saved."""
    node = add_preset(editor)
    choose(editor, node, "preset", "draft")
    graph = editor.saved()
    saved = graph["nodes"][0]["widgets_values"]
    saved[1] += 40  # steps
    editor.page.evaluate("(graph) => window.app.loadGraphData(graph)", graph)
    editor.settle(10)
    held = values(editor, node)
    assert list(held.values()) == saved
    editor.page.evaluate(
        """(id) => {
            const { canvas, graph } = window.app;
            canvas.selectItems([graph.getNodeById(id)]);
            canvas.copyToClipboard();
            canvas.pasteFromClipboard();
        }""",
        node,
    )
    editor.settle(10)
    (copy,) = (each["id"] for each in editor.saved()["nodes"] if each["id"] != node)
    assert values(editor, copy) == held
    editor.page.evaluate("(id) => window.app.graph.remove(window.app.graph.getNodeById(id))", copy)
    editor.call("show", node)
    editor.settle(10)
    choose(editor, node, "preset", "final")
    execute(editor, "Comfy.Undo")
    wait_for_value(editor, node, "preset", "draft")
    assert values(editor, node) == held


def drag(editor, start, end):
    page = editor.page
    page.mouse.move(*page.evaluate(SOCKET, start))
    page.mouse.down()
    target = page.evaluate(SOCKET, end)
    page.mouse.move(*target, steps=12)
    editor.settle()
    page.mouse.up()
    editor.settle()


def test_its_outputs_are_dragged_to_the_sampler_and_the_graph_runs(editor, meanings):
    editor.open(FIRST_LIGHT)
    node = editor.page.evaluate(BELOW, [TYPE, SAMPLER])
    editor.call("connect", GUIDANCE, "MODEL", node, "model")
    editor.settle(10)
    drag(editor, [node, "out", "MODEL"], [SAMPLER, "in", "model"])
    for name in LINKED:
        drag(editor, [node, "out", name], [SAMPLER, "in", name])
    assert editor.call("brokenLinks") == []
    choose(editor, node, "preset", "draft")
    inputs = editor.prompt()[str(SAMPLER)]["inputs"]
    links = {name: inputs[name] for name in ("model", *LINKED)}
    assert links == {name: [str(node), slot] for slot, name in enumerate(links)}
    assert editor.prompt()[str(node)]["inputs"].items() >= meanings["draft"].items()
    editor.call("set", CONDITION, "frames", 4)
    editor.call("run")
    assert editor.call("complaints") == []
    assert editor.errors == []
