"""Presets of values, the settings of the pack, and its commands."""

from __future__ import annotations

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.browser

FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
CONDITION, SAMPLER = 3, 5  # nodes of first_light
POPUP = ".svdstudio-popup"
QUICK = "Quick: 10 steps, Align Your Steps"
SETTINGS = {
    "svdstudio.player.autoplay": True,
    "svdstudio.player.loop": True,
    "svdstudio.memory.line": True,
    "svdstudio.refusals.toasts": True,
    "svdstudio.camera.snap": True,
    "svdstudio.presets": {},
}


@pytest.fixture
def graph(either_editor):
    either_editor.open(FIRST_LIGHT)
    return either_editor


def select(editor, node):
    """Click on a node's title."""
    editor.call("show", node)
    editor.settle()
    place = editor.page.evaluate(
        """(id) => {
            const { canvas, graph } = window.app;
            const [x, y] = graph.getNodeById(id).pos;
            const [left, top] = canvas.ds.convertOffsetToCanvas([x + 80, y - 12]);
            const frame = canvas.canvas.getBoundingClientRect();
            return [left + frame.left, top + frame.top];
        }""",
        node,
    )
    editor.page.mouse.click(*place)
    return place


def presets(editor, node):
    """The menu of presets, opened from the toolbox of the node."""
    select(editor, node)
    editor.page.locator("button:has(.pi-bookmark)").click()
    popup = editor.page.locator(POPUP)
    popup.wait_for()
    return popup


def values(editor, node):
    return editor.page.evaluate(
        """(id) => Object.fromEntries(window.app.graph.getNodeById(id).widgets
            .map(({ name, value }) => [name, value]))""",
        node,
    )


def wait_for_value(editor, node, widget, value):
    editor.page.wait_for_function(
        "([id, name, value]) => window.editor.widget(id, name).value === value",
        arg=[node, widget, value],
    )


def wait_for_kept(editor, name, steps):
    """Until the user's preset for SVD Sampler has so many steps, or is gone."""
    editor.page.wait_for_function(
        """([name, steps]) => {
            const presets = window.app.extensionManager.setting.get("svdstudio.presets");
            return (presets.SVDStudioSampler?.[name]?.steps ?? null) === steps;
        }""",
        arg=[name, steps],
    )


def execute(editor, command):
    editor.page.evaluate("(id) => window.app.extensionManager.command.execute(id)", command)


def test_a_preset_sets_values_and_one_undo_brings_them_back(graph):
    before = values(graph, SAMPLER)
    presets(graph, SAMPLER).get_by_role("menuitem", name=QUICK).click()
    expected = {"steps": 10, "schedule": "align-your-steps", "sampler": "euler"}
    wait_for_value(graph, SAMPLER, "steps", 10)
    assert values(graph, SAMPLER) == before | expected
    assert graph.prompt()[str(SAMPLER)]["inputs"]["schedule"] == "align-your-steps"
    execute(graph, "Comfy.Undo")
    wait_for_value(graph, SAMPLER, "steps", before["steps"])
    assert values(graph, SAMPLER) == before
    assert graph.errors == []


def test_keys_choose_a_preset_and_escape_chooses_none(graph):
    popup = presets(graph, SAMPLER)
    graph.page.keyboard.press("Escape")
    popup.wait_for(state="detached")
    presets(graph, SAMPLER)
    graph.page.keyboard.press("ArrowDown")
    graph.page.keyboard.press("Enter")
    wait_for_value(graph, SAMPLER, "steps", 10)


def test_the_menu_of_the_classic_node_has_them_too(new_editor):
    editor = new_editor()
    editor.open(FIRST_LIGHT)
    editor.page.mouse.click(*select(editor, SAMPLER), button="right")
    editor.page.get_by_text("SVD Studio presets").click()
    editor.page.get_by_text(QUICK).click()
    wait_for_value(editor, SAMPLER, "steps", 10)


def test_a_value_that_another_node_sets_is_left_alone(graph):
    preset = graph.call("add", "SVDStudioMotionPreset", 400, -400)
    graph.call("connect", preset, "motion_bucket_id", CONDITION, "motion_bucket_id")
    before = values(graph, CONDITION)["motion_bucket_id"]
    presets(graph, CONDITION).get_by_role("menuitem", name="Much moves").click()
    wait_for_value(graph, CONDITION, "augmentation_level", 0.1)
    assert values(graph, CONDITION)["motion_bucket_id"] == before
    graph.page.get_by_text("left alone: motion_bucket_id").wait_for()


def test_own_presets_are_kept_and_deleted(graph):
    name = f"Mine in {graph.renderer}"
    graph.call("set", SAMPLER, "steps", 33)
    presets(graph, SAMPLER).get_by_text("Save these values").click()
    field = graph.page.locator(".p-dialog input")
    field.fill(name)
    field.press("Enter")
    wait_for_kept(graph, name, 33)
    graph.call("set", SAMPLER, "steps", 5)
    presets(graph, SAMPLER).get_by_role("menuitem", name=name, exact=True).click()
    wait_for_value(graph, SAMPLER, "steps", 33)
    presets(graph, SAMPLER).get_by_role("menuitem", name=f"Delete {name}").click()
    graph.page.locator(".p-dialog").get_by_role("button", name="Delete").click()
    wait_for_kept(graph, name, None)


def test_reset_sets_the_defaults(graph):
    graph.call("set", SAMPLER, "steps", 3)
    presets(graph, SAMPLER).get_by_text("Reset to defaults").click()
    wait_for_value(graph, SAMPLER, "steps", 25)


def test_settings_have_their_defaults(editor):
    held = editor.page.evaluate(
        "(ids) => ids.map((id) => [id, window.app.extensionManager.setting.get(id)])",
        list(SETTINGS),
    )
    kept = dict(held)
    kept["svdstudio.presets"] = {} if not any(kept["svdstudio.presets"].values()) else None
    assert kept == SETTINGS


def test_settings_are_in_the_dialog(editor):
    execute(editor, "Comfy.ShowSettingsDialog")
    editor.page.get_by_role("option", name="SVD Studio").click()
    editor.page.get_by_text("Show memory on SVD Sampler").wait_for()
    editor.page.get_by_text("Play films by themselves").wait_for()
    assert editor.page.get_by_text("Own presets").count() == 0


def test_picture_to_film_nodes_are_added_wired_and_undone(either_editor):
    editor = either_editor
    editor.page.evaluate("window.app.loadGraphData({ nodes: [], links: [], version: 0.4 })")
    editor.settle()
    execute(editor, "svdstudio.addPictureToFilm")
    editor.settle()
    graph = editor.prompt()
    assert len(graph) == 6
    assert editor.call("brokenLinks") == []
    sampler = next(node for node in graph.values() if node["class_type"] == "SVDStudioSampler")
    assert {"model", "positive", "negative", "latent"} < sampler["inputs"].keys()
    execute(editor, "Comfy.Undo")
    editor.page.wait_for_function("window.app.graph.nodes.length === 0")
    assert editor.errors == []


def test_memory_is_freed_and_workflows_are_offered(editor):
    with editor.page.expect_response("**/free") as answer:
        execute(editor, "svdstudio.freeMemory")
    assert answer.value.ok
    editor.page.get_by_text("Models and results are let go of").wait_for()
    execute(editor, "svdstudio.openWorkflow")
    editor.page.locator(".p-dialog").wait_for()
