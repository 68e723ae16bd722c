"""The editor in other languages: titles, labels and tooltips of our nodes, and no complaint."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import ROOT
from .editor import RENDERERS

pytestmark = pytest.mark.browser

FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
SAMPLER = 5
# Front ends before this one forget what packs said when they load a language of their own;
# those from it on leave out languages that they do not have, such as German.
KEEPS_LANGUAGES = (1, 45)
# A newer front end has complaints of its own about an older server.
OURS = re.compile(r"svd.?studio|intlify|SyntaxError|compil", re.IGNORECASE)
SHOWN = """(id) => {
    const node = window.app.graph.getNodeById(id);
    const { localized_name } = node.outputs.find(({ name }) => name === "report");
    return {
        title: node.title,
        inputs: Object.fromEntries(node.inputs.map((each) => [each.name, each.localized_name])),
        widgets: Object.fromEntries(node.widgets.map((each) => [each.name, each.label])),
        report: localized_name,
    };
}"""


@pytest.fixture(scope="module", params=["zh", "ja", "fr", "de"])
def language(request, new_editor):
    """A language of the user's settings, English again afterwards."""
    first = new_editor()
    version = first.page.evaluate("window.__COMFYUI_FRONTEND_VERSION__")
    keeps = tuple(map(int, re.findall(r"\d+", version)[:2])) >= KEEPS_LANGUAGES
    if keeps == (request.param == "de"):
        pytest.skip(f"front end {version} does not show {request.param} of packs")
    choose = "(language) => window.app.extensionManager.setting.set('Comfy.Locale', language)"
    first.page.evaluate(choose, request.param)
    yield request.param
    first.page.evaluate(choose, "en")


@pytest.fixture(scope="module", params=RENDERERS)
def opened(request, language, new_editor):
    editor = new_editor(request.param)
    editor.open(FIRST_LIGHT)
    return editor, language


def expected(language):
    file = ROOT / "locales" / language / "nodeDefs.json"
    return json.loads(file.read_text(encoding="utf-8"))["SVDStudioSampler"]


def test_nodes_are_shown_in_the_language(opened):
    editor, language = opened
    words = expected(language)
    shown = editor.page.evaluate(SHOWN, SAMPLER)
    assert shown["title"] == words["display_name"]
    labels = {name: each["name"] for name, each in words["inputs"].items()}
    assert labels.items() <= {**shown["widgets"], **shown["inputs"]}.items()
    assert shown["report"] == words["outputs"]["1"]["name"]
    assert editor.call("complaints") == []
    assert not [error for error in editor.errors if OURS.search(error)]


def test_other_languages_queue_the_same_graph(opened):
    editor, _ = opened
    inputs = editor.prompt()[str(SAMPLER)]["inputs"]
    twin = json.loads((FIRST_LIGHT.parent / "api" / FIRST_LIGHT.name).read_text(encoding="utf-8"))
    assert inputs == twin[str(SAMPLER)]["inputs"]
