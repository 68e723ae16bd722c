"""Tags in the name of a file are text on the page, in both renderers."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.browser

NAME = "\"><img class=hostile src=x onerror='window.hacked=1'>&lt;film"
MAKE, WRITE = 1, 2


@pytest.fixture
def workflow(tmp_path):
    """Two blue frames, written under the name."""
    make = {"id": MAKE, "type": "EmptyImage", "pos": [40, 80], "size": [300, 160]}
    make |= {"widgets_values": [64, 48, 2, 255], "outputs": [output("IMAGE", [1])]}
    socket = {"name": "frames", "type": "SVD_FRAMES,IMAGE", "link": 1}
    write = {"id": WRITE, "type": "SVDStudioWriteVideo", "pos": [420, 80], "size": [400, 500]}
    write |= {"inputs": [socket]}
    write |= {"widgets_values": ["H.264 (mp4)", 8.0, NAME, 50, "none", True, NAME, 0, True, 1001]}
    graph = {"nodes": [make, write], "links": [[1, MAKE, 0, WRITE, 0, "IMAGE"]], "version": 0.4}
    graph |= {"last_node_id": 2, "last_link_id": 1, "groups": [], "config": {}, "extra": {}}
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(graph), encoding="utf-8")
    return file


def output(kind, links):
    return {"name": kind, "type": kind, "links": links}


def test_name_of_a_film_is_shown_and_does_nothing(either_editor, workflow):
    editor = either_editor
    editor.open(workflow)
    editor.call("run")
    editor.page.wait_for_function(
        "() => document.body.innerText.includes('img class=hostile')", timeout=60_000
    )
    editor.settle(10)
    assert editor.page.evaluate("window.hacked") is None
    assert editor.page.locator("img.hostile").count() == 0
    assert editor.call("complaints") == []
