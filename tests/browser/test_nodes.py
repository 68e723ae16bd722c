"""The pack's nodes in the editor: they are found, explained and wired."""

from __future__ import annotations

import json
import urllib.request
from contextlib import suppress

import pytest

from .conftest import PICTURE

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")

LOAD, PICTURE_NODE, CONDITION, GUIDE, SAMPLE, DECODE, SAVE = (
    "SVDStudioLoadModel",
    "LoadImage",
    "SVDStudioConditioning",
    "SVDStudioGuidance",
    "SVDStudioSampler",
    "SVDStudioDecode",
    "SVDStudioSaveVideo",
)
WIRES = (
    (LOAD, "MODEL", GUIDE, "model"),
    (LOAD, "CLIP_VISION", CONDITION, "clip_vision"),
    (LOAD, "VAE", CONDITION, "vae"),
    (PICTURE_NODE, "IMAGE", CONDITION, "image"),
    (GUIDE, "MODEL", SAMPLE, "model"),
    (CONDITION, "positive", SAMPLE, "positive"),
    (CONDITION, "negative", SAMPLE, "negative"),
    (CONDITION, "latent", SAMPLE, "latent"),
    (LOAD, "VAE", DECODE, "vae"),
    (SAMPLE, "latent", DECODE, "latent"),
    (DECODE, "images", SAVE, "images"),
)
VALUES = (
    (LOAD, "checkpoint", "svd-mini"),
    (PICTURE_NODE, "image", PICTURE),
    (CONDITION, "frames", 4),
    (SAMPLE, "steps", 2),
    (SAVE, "filename_prefix", "by_hand/film"),
)


@pytest.fixture(scope="module")
def pack(site) -> dict[str, str]:
    """The pack's nodes as the server knows them: display names by id."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{site.url}/object_info") as answer:
        nodes = json.load(answer)
    ours = "custom_nodes.svd-studio"
    return {
        name: node["display_name"] for name, node in nodes.items() if node["python_module"] == ours
    }


def test_every_node_is_found_in_the_node_library_by_its_name(editor, pack):
    editor.page.locator(".node-library-tab-button").click()
    field = editor.page.get_by_placeholder("Search Nodes")
    leaves = editor.page.locator(".p-tree-node-leaf")
    for name in pack.values():
        field.fill(name)
        leaves.get_by_text(name, exact=True).wait_for(timeout=10_000)
        field.fill("")
        leaves.first.wait_for(state="detached")
    assert pack


def test_hovering_over_any_widget_or_input_explains_it(editor, pack):
    editor.clear()
    tip = editor.page.locator(".node-tooltip")
    for column, name in enumerate(pack):
        node = editor.call("add", name, 800 * column, 0)
        editor.settle()
        for handle in editor.call("handles", node):
            assert handle["tooltip"], f"{name}.{handle['name']} has no tooltip"
            shown = tip.get_by_text(handle["tooltip"], exact=True)
            assert hover(editor.page, handle["place"], shown), f"{name}.{handle['name']}"


def hover(page, place, shown):
    """Whether `shown` appears under a mouse that moves a little, as a hand's does.

    One that comes from a text field in one jump is not seen to enter the canvas.
    """
    for sideways in range(4):
        page.mouse.move(place[0] + sideways, place[1])
        with suppress(playwright.TimeoutError):
            shown.wait_for(timeout=3000)
            return True
    return False


@pytest.fixture(scope="module")
def by_hand(new_editor):
    """A graph that was put together in the editor, after it has run; and its nodes."""
    editor = new_editor()
    editor.clear()
    nodes = {
        name: editor.call("add", name, 300 * (place % 4), 400 * (place // 4))
        for place, name in enumerate((LOAD, PICTURE_NODE, CONDITION, GUIDE, SAMPLE, DECODE, SAVE))
    }
    for source, output, target, socket in WIRES:
        editor.call("connect", nodes[source], output, nodes[target], socket)
    for name, widget, value in VALUES:
        editor.call("set", nodes[name], widget, value)
    editor.call("run")
    editor.call("show", nodes[SAVE])
    return editor, nodes


def test_graph_wired_in_the_editor_writes_a_film(by_hand, site):
    editor, nodes = by_hand
    file = editor.wait_for_film(nodes[SAVE])["file"]
    film = site.base / "output" / file["subfolder"] / file["filename"]
    assert (film.parent.name, film.suffix) == ("by_hand", ".mp4")
    assert film.stat().st_size > 1000


def test_save_video_plays_the_film_in_the_node(by_hand):
    editor, nodes = by_hand
    film = editor.wait_for_film(nodes[SAVE])
    assert (film["width"], film["height"]) == (256, 144)
    assert film["visible"]


def test_building_and_running_raises_no_complaint(by_hand):
    editor, _ = by_hand
    assert editor.errors == []
    assert editor.call("complaints") == []
