"""Help pages in the editor: they are shown with their pictures, which are taken here."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from .conftest import ROOT
from .editor import CLASSIC, Editor

pytestmark = pytest.mark.browser

PAGES = ROOT / "js" / "docs"
PICTURES = PAGES / "pictures"
NODES = sorted(json.loads((ROOT / "tests" / "golden" / "nodes.json").read_text(encoding="utf-8")))
FIRST_NODE, LAST_NODE = "SVDStudioCameraMove", "SVDStudioConditioning"
LARGEST_PICTURE = 30_000
MARGIN = 12  # pixels of the canvas around a node
# A page in the user's language is asked for before the English one.
NO_TRANSLATION = re.compile(r"404 .*/extensions/svd-studio/docs/\w+/\w+\.md$")
STEADY = """(id) => new Promise((resolve) => {
    let [last, calm] = ["", 0];
    const look = () => {
        const now = JSON.stringify(window.app.graph.getNodeById(id).getBounding());
        [last, calm] = [now, now === last ? calm + 1 : 0];
        calm > 30 ? resolve() : requestAnimationFrame(look);
    };
    look();
})"""
LOADED = """() => [...document.querySelectorAll(".dom-widget img, .dom-widget video")]
    .every((each) => (each.complete ?? true) && !(each.readyState < 2 && each.currentSrc))"""
# At its own size, wide enough for its title, and without the label of the pack above it.
PLAIN = """(id) => {
    window.app.canvas.ds.scale = 1;
    const node = window.app.graph.getNodeById(id);
    node.badges = [];
    node.setSize([Math.max(node.size[0], 260), node.size[1]]);
}"""
BOX = """(id) => {
    const { app } = window;
    const [x, y, width, height] = app.graph.getNodeById(id).getBounding();
    const frame = app.canvas.canvas.getBoundingClientRect();
    const [left, top] = app.canvas.ds.convertOffsetToCanvas([x, y]);
    return { x: left + frame.left, y: top + frame.top, width, height };
}"""


def add_alone(editor: Editor, name: str) -> tuple[int, dict[str, float]]:
    """The one node of an empty graph, and where it is on the screen."""
    editor.clear()
    node = editor.call("add", name, 0, 0)
    editor.page.evaluate(PLAIN, node)
    editor.call("show", node)
    editor.page.evaluate(STEADY, node)
    editor.call("show", node)
    editor.settle()
    return node, editor.page.evaluate(BOX, node)


def open_help(editor: Editor, name: str):
    """The help panel of a new node, opened as a user does."""
    _, box = add_alone(editor, name)
    editor.page.mouse.click(box["x"] + 100, box["y"] + 15)
    editor.page.get_by_test_id("info-button").click()
    panel = editor.page.locator(".node-help-content")
    panel.locator("h1").wait_for(timeout=30_000)
    return panel


def wait_for_pictures(panel) -> None:
    """Until all pictures of the page have been decoded; none of them may be broken."""
    panel.page.wait_for_function(
        """() => {
            const all = [...document.querySelectorAll(".node-help-content img")];
            return all.length > 0 && all.every(({ complete }) => complete);
        }""",
        timeout=30_000,
    )
    widths = panel.locator("img").evaluate_all("(all) => all.map((each) => each.naturalWidth)")
    assert all(width > 100 for width in widths)


def own_errors(editor: Editor) -> list[str]:
    """What the console says of our files; a page or a picture that is not there, for one."""
    ours = [error for error in editor.errors if "svd-studio" in error]
    return [error for error in ours if not NO_TRANSLATION.search(error)]


@pytest.mark.parametrize("name", [FIRST_NODE, LAST_NODE])
def test_help_of_a_node_is_our_page_with_its_pictures(either_editor, name):
    panel = open_help(either_editor, name)
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert panel.locator("h1").inner_text() == page.splitlines()[0].removeprefix("# ")
    assert panel.locator("img").count() == len(re.findall(r"!\[[^]]*\]\(", page))
    wait_for_pictures(panel)
    assert own_errors(either_editor) == []


def test_help_fits_into_the_panel(editor):
    """Pictures and tables are no wider than what is read."""
    panel = open_help(editor, FIRST_NODE)
    wait_for_pictures(panel)
    widest = panel.locator("img").evaluate_all(
        "(all) => Math.max(...all.map((each) => each.getBoundingClientRect().right))"
    )
    box = panel.bounding_box()
    assert widest <= box["x"] + box["width"]


def test_help_is_english_where_there_is_no_translation(editor):
    speak(editor, "ja")
    try:
        panel = open_help(editor, FIRST_NODE)
        page = (PAGES / f"{FIRST_NODE}.md").read_text(encoding="utf-8")
        assert panel.locator("h1").inner_text() == page.splitlines()[0].removeprefix("# ")
        wait_for_pictures(panel)
    finally:
        speak(editor, "en")


def speak(editor: Editor, language: str) -> None:
    """Not waited for: the editor sets its own words anew, and every node's."""
    editor.page.evaluate(
        "(to) => { window.app.extensionManager.setting.set('Comfy.Locale', to); }", language
    )
    editor.page.wait_for_timeout(2000)


@pytest.fixture(scope="module")
def sharp_editor(browser, site):
    """The classic canvas on a screen of two pixels to a point, high enough for any node."""
    context = browser.new_context(viewport={"width": 1600, "height": 1500}, device_scale_factor=2)
    context.add_init_script("localStorage.setItem('vueNodesBannerDismissed', 'true')")
    yield Editor(context.new_page(), site.url, CLASSIC)
    context.close()


@pytest.mark.parametrize("name", NODES)
def test_picture_of_a_node_is_taken(sharp_editor, request, name):
    if not request.config.getoption("--update-pictures", False):
        pytest.skip("takes new pictures only with --update-pictures")
    _, box = add_alone(sharp_editor, name)
    sharp_editor.page.mouse.move(0, 0)
    sharp_editor.page.wait_for_function(LOADED, timeout=60_000)
    sharp_editor.page.wait_for_timeout(300)  # for panels that draw once more
    clip = {
        "x": box["x"] - MARGIN,
        "y": box["y"] - MARGIN,
        "width": box["width"] + 2 * MARGIN,
        "height": box["height"] + 2 * MARGIN,
    }
    file = PICTURES / f"{name}.png"
    sharp_editor.page.screenshot(path=file, clip=clip)
    make_small(file)
    assert file.stat().st_size <= LARGEST_PICTURE


def make_small(file) -> None:
    """With as many colours as fit into the largest size, up to what a palette holds."""
    picture = Image.open(file).convert("RGB")
    for colours in (128, 64, 32, 16):
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size <= LARGEST_PICTURE:
            return
