"""The line on SVD Sampler: planned and measured memory, there again when the graph is read anew."""

from __future__ import annotations

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.browser

FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
CONDITION, SAMPLER = 3, 5  # nodes of first_light
LINE = ".svdstudio-memory"
SETTING = "svdstudio.memory.line"
RUN_MS = 40_000


def shown(editor, count=1):
    """The lines on the page, once there are so many that have a size."""
    editor.page.wait_for_function(
        """([selector, count]) => [...document.querySelectorAll(selector)]
            .filter((each) => each.getBoundingClientRect().height > 10).length === count""",
        arg=[LINE, count],
        timeout=RUN_MS,
    )
    return editor.page.locator(LINE)


def run(editor, seed):
    editor.open(FIRST_LIGHT)
    editor.call("set", CONDITION, "frames", 4)
    editor.call("set", SAMPLER, "steps", 2)
    editor.call("set", SAMPLER, "seed", seed)
    editor.call("show", SAMPLER)
    shown(editor, 0)
    editor.call("run")


def test_a_run_leaves_a_line_that_stays_and_can_be_switched_off(either_editor):
    editor = either_editor
    # Another seed in each renderer: what the server knows already is not run.
    run(editor, 11 if editor.renderer == "classic" else 12)
    line = shown(editor)
    assert line.inner_text().startswith("plan ")
    assert "MiB of" in line.inner_text()
    assert "never the film" in line.get_attribute("title")
    box = line.bounding_box()
    assert box["width"] > 100

    # Undo reads the graph anew.
    saved = editor.saved()
    editor.page.evaluate("(graph) => window.app.loadGraphData(graph, false, false)", saved)
    editor.call("show", SAMPLER)
    shown(editor)

    set_setting = "([id, on]) => window.app.extensionManager.setting.set(id, on)"
    editor.page.evaluate(set_setting, [SETTING, False])
    shown(editor, 0)
    editor.page.evaluate(set_setting, [SETTING, True])
    shown(editor, 1)
    assert editor.errors == []


def test_the_line_changes_nothing_that_is_queued_or_saved(either_editor):
    editor = either_editor
    editor.open(FIRST_LIGHT)
    editor.call("set", SAMPLER, "seed", 3)
    before, queued = editor.saved(), editor.prompt()
    facts = {"way": "whole", "estimate": 2**30, "budget": 2**32, "measured": None, "retries": []}
    editor.page.evaluate(
        """([node, facts]) => window.app.api.dispatchCustomEvent(
            "svd_studio.memory", { ...facts, node: String(node) })""",
        [SAMPLER, facts],
    )
    editor.call("show", SAMPLER)
    assert shown(editor).inner_text() == "plan 1.00 of 4.00 GiB, whole"
    assert editor.prompt() == queued

    def values(graph):
        return {node["id"]: node["widgets_values"] for node in graph["nodes"]}

    assert values(editor.saved()) == values(before)
