"""A refusal is a message with the node's name and a sentence, and leads to the node."""

from __future__ import annotations

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.browser

FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
LOAD, CONDITION, GUIDE, SAMPLER = 2, 3, 4, 5  # nodes of first_light
QUEUE = "() => void window.app.queuePrompt(0).then(() => 0, () => 0)"
RUN_MS = 60_000


def notice(editor, text):
    found = editor.page.locator(".svdstudio-notice").filter(has_text=text)
    found.wait_for(timeout=RUN_MS)
    return found


@pytest.fixture
def classic_or_vue(either_editor):
    has_own_toasts = either_editor.page.evaluate("Boolean(window.app.extensionManager.toast.error)")
    if has_own_toasts:
        pytest.skip("this ComfyUI has toasts with buttons; see the unit tests")
    either_editor.open(FIRST_LIGHT)
    return either_editor


def selected(editor):
    return editor.page.evaluate("[...window.app.canvas.selectedItems].map(({ title }) => title)")


def test_a_refused_value_is_told_with_the_name_of_its_node(classic_or_vue):
    editor = classic_or_vue
    name = "<img src=x onerror=window.broken=1>"
    editor.page.evaluate(
        "([id, name]) => { window.app.graph.getNodeById(id).title = name; }", [SAMPLER, name]
    )
    editor.call("set", SAMPLER, "steps", 0)
    editor.page.evaluate(QUEUE)
    shown = notice(editor, "“steps” is 0, and the least is 1.")
    assert name in shown.inner_text()
    assert editor.page.locator(".svdstudio-notice img").count() == 0
    assert not editor.page.evaluate("Boolean(window.broken)")

    editor.page.keyboard.press("Escape")  # ComfyUI's own dialog
    shown.get_by_role("button", name="Show the node").click()
    assert selected(editor) == [name]
    shown.get_by_role("button", name="Close this message").press("Enter")
    assert editor.page.locator(".svdstudio-notice").count() == 0


def test_a_file_that_is_gone_is_told(classic_or_vue):
    editor = classic_or_vue
    lora = editor.call("add", "SVDStudioLora", 900, -400)
    editor.call("connect", LOAD, "MODEL", lora, "model")
    editor.call("connect", lora, "MODEL", GUIDE, "model")
    editor.page.evaluate(
        "([id]) => { window.editor.widget(id, 'lora_name').value = 'gone.safetensors'; }", [lora]
    )
    editor.page.evaluate(QUEUE)
    shown = notice(editor, "gone.safetensors")
    assert "SVD LoRA" in shown.inner_text()


def test_a_node_that_fails_inside_a_subgraph_is_told_and_found(classic_or_vue):
    editor = classic_or_vue
    plan = editor.call("add", "SVDStudioMemoryPlan", 900, -400)
    editor.call("connect", LOAD, "MODEL", plan, "model")
    editor.call("connect", plan, "MODEL", GUIDE, "model")
    editor.call("set", SAMPLER, "steps", 2)
    # Less than the widget's step, as a script may send it.
    editor.page.evaluate(
        "([id]) => { window.editor.widget(id, 'memory_gib').value = 0.001; }", [plan]
    )
    editor.page.evaluate(
        """([id]) => {
            const { graph } = window.app;
            graph.convertToSubgraph(new Set([graph.getNodeById(id)])).node.title = "Inside";
        }""",
        [SAMPLER],
    )
    editor.page.evaluate(QUEUE)
    shown = notice(editor, "choose a smaller size or fewer frames")
    assert "SVD Sampler in Inside" in shown.inner_text()
    editor.page.keyboard.press("Escape")
    shown.get_by_role("button", name="Show the node").click()
    editor.page.wait_for_function("window.app.canvas.graph !== window.app.graph")
    assert selected(editor) == ["SVD Sampler"]


def test_messages_can_be_switched_off_and_are_not_of_other_packs(classic_or_vue):
    editor = classic_or_vue
    editor.page.evaluate(
        "window.app.extensionManager.setting.set('svdstudio.refusals.toasts', false)"
    )
    editor.call("set", SAMPLER, "steps", 0)
    editor.page.evaluate(QUEUE)
    editor.page.locator(".p-dialog").wait_for(timeout=RUN_MS)
    editor.page.wait_for_timeout(2500)
    assert editor.page.locator(".svdstudio-notice").count() == 0
    editor.page.evaluate(
        "window.app.extensionManager.setting.set('svdstudio.refusals.toasts', true)"
    )
