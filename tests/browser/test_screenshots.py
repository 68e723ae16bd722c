"""The README's pictures of the editor, taken with --update-pictures."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from .conftest import ROOT

pytestmark = pytest.mark.browser

CONCEPT_ART = ROOT / "workflows" / "concept_art_depth.json"
TAKEN = ROOT / "docs" / "camera_editor.jpg"
WIDTH, HEIGHT = 1280, 760
# Close enough to read, with what the editor is wired to beside it.
LOOK = """(id) => {
    const { app } = window;
    app.canvas.ds.scale = 1;
    app.canvas.centerOnNode(app.graph.getNodeById(id));
    app.graph.setDirtyCanvas(true, true);
}"""


def test_camera_editor_is_pictured(new_editor, request):
    if not request.config.getoption("--update-pictures", False):
        pytest.skip("takes new pictures only with --update-pictures --picture FILE")
    nodes = json.loads(CONCEPT_ART.read_text(encoding="utf-8"))["nodes"]
    drawn = next(node for node in nodes if node["type"] == "SVDStudioCameraKeyframes")
    editor = new_editor()
    editor.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    editor.open(CONCEPT_ART)
    editor.page.evaluate(LOOK, drawn["id"])
    editor.settle(60)
    with Image.open(io.BytesIO(editor.page.screenshot(type="png"))) as shot:
        shot.convert("RGB").save(TAKEN, quality=85, optimize=True)
