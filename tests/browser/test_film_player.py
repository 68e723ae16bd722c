"""The player in the nodes: it plays, goes to exact frames, says what the film is, and goes away."""

from __future__ import annotations

import itertools
import json
import os
import re

import pytest

from .conftest import PICTURE
from .editor import HELPERS, READY, RENDERERS, START_MS

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api", reason="pip install playwright")

FRAMES = 4
# A node that has run already would not run again.
WIDTHS = itertools.count(256, 8)
LINE = re.compile(r"(\d+)\u00d7\1 · 4 frames · 7 fps · 0\.6 s · \d+ kB · ?frame 1")
# A few pixels of what a player shows, once it shows the frame that it was told to.
SHOWN = """async (id) => {
    const part = (tag) => window.editor.player(id).querySelector(tag);
    const [video, bar] = [part("video"), part("input")];
    const isThere = () => Math.floor(video.currentTime * 7) === Number(bar.value);
    while (!isThere() || video.seeking || video.readyState < 2)
        await new Promise((done) => setTimeout(done, 20));
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 18 });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 32, 18);
    return [...context.getImageData(0, 0, 32, 18).data];
}"""


def build(editor, **widgets) -> tuple[int, int]:
    """A camera preview and a film of it, written; returns their ids. Needs no model."""
    editor.clear()
    places = {"LoadImage": 0, "SVDStudioCameraMove": 350, "SVDStudioCameraPreview": 700}
    picture, move, preview = (editor.call("add", name, x, 0) for name, x in places.items())
    save = editor.call("add", "SVDStudioSaveVideo", 1050, 0)
    for source, output, target, socket in (
        (picture, "IMAGE", preview, "image"),
        (move, "camera", preview, "camera"),
        (preview, "preview", save, "images"),
    ):
        editor.call("connect", source, output, target, socket)
    editor.call("set", picture, "image", PICTURE)
    for name, value in {"frames": FRAMES, "width": 256, **widgets}.items():
        editor.call("set", preview, name, value)
    return preview, save


@pytest.fixture(scope="module", params=RENDERERS)
def stage(new_editor, request):
    """An editor in either renderer, for one graph after the other."""
    return new_editor(request.param)


@pytest.fixture
def film(stage, request):
    """The editor, and the ids of two nodes that show a film, which every test has anew."""
    preview, save = build(stage, width=next(WIDTHS))
    run(stage, preview, save)
    return stage, preview, save


def run(editor, *nodes) -> None:
    editor.call("run")
    for node in nodes:
        editor.call("show", node)
        editor.wait_for_film(node)


def complaints(editor) -> list[str]:
    """What the page complains of; a newer front end than the server's complains of the server."""
    named = ("svd-studio", "/view?") if os.environ.get("SVD_STUDIO_FRONTEND") else ("",)
    return [error for error in editor.errors if any(name in error for name in named)]


def player(editor, node):
    """What the page shows of a player."""
    mark = "([id, name]) => { window.editor.player(id).id = name }"
    editor.page.evaluate(mark, [node, f"player-{node}"])
    return editor.page.locator(f"#player-{node}")


def line(editor, node) -> str:
    return player(editor, node).locator(".svdstudio-film-line").inner_text().replace("\n", " ")


def press(editor, node, *keys):
    shown = player(editor, node)
    for key in keys:
        shown.press(key)


def pixels(editor, node):
    return editor.page.evaluate(SHOWN, node)


def test_film_plays_by_itself_and_silently(film):
    editor, preview, save = film
    for node in (preview, save):
        editor.call("show", node)
        editor.page.wait_for_function(
            """(id) => {
                const video = window.editor.player(id).querySelector("video");
                return video.currentTime > 0 && !video.paused && video.muted && video.loop;
            }""",
            arg=node,
        )
    assert complaints(editor) == []


def test_every_node_has_one_player(film):
    editor, *nodes = film
    assert editor.page.locator(".svdstudio-film").count() == len(nodes)
    assert editor.page.locator("video").count() == len(nodes)
    assert not editor.page.evaluate("app.graph.nodes.some((node) => node.videoContainer)")


def test_line_says_what_the_film_is(film, site):
    editor, preview, save = film
    press(editor, save, "Home")
    assert LINE.fullmatch(line(editor, save))
    assert "preview" in line(editor, preview)
    place = player(editor, save).locator(".svdstudio-film-place").inner_text()
    assert (site.base / place).is_file()


def test_keys_and_buttons_go_to_exact_frames(film):
    editor, _, save = film
    press(editor, save, "Home")
    seen = [pixels(editor, save)]
    for number in range(2, FRAMES + 1):
        player(editor, save).get_by_label("Frame forward").click()
        seen.append(pixels(editor, save))
        assert line(editor, save).endswith(f"frame {number}")
    assert all(a != b for i, a in enumerate(seen) for b in seen[:i])
    for key, number in (("ArrowLeft", 3), ("Home", 1), ("End", 4), ("ArrowRight", 1)):
        press(editor, save, key)
        assert line(editor, save).endswith(f"frame {number}")
        assert pixels(editor, save) == seen[number - 1]


def test_frames_are_those_that_were_written(film, site):
    import av
    import numpy as np

    editor, _, save = film
    file = editor.call("film", save)["file"]
    with av.open(str(site.base / "output" / file["subfolder"] / file["filename"])) as film:
        written = [f.reformat(32, 18, "rgba").to_ndarray() for f in film.decode(video=0)]
    for number in range(FRAMES):
        press(editor, save, "Home", *["ArrowRight"] * number)
        shown = np.array(pixels(editor, save)).reshape(18, 32, 4)
        apart = [np.abs(shown.astype(float) - each).mean() for each in written]
        assert int(np.argmin(apart)) == number


def test_space_stops_and_goes_on(film):
    editor, _, save = film
    press(editor, save, "Home", " ")
    player(editor, save).get_by_label("Pause").wait_for()
    press(editor, save, " ")
    player(editor, save).get_by_label("Play").wait_for()
    assert editor.page.evaluate(
        "(id) => window.editor.player(id).querySelector('video').paused", save
    )


def test_bar_speed_and_loop(film):
    editor, _, save = film
    shown = player(editor, save)
    shown.get_by_label("Frame", exact=True).fill("2")
    assert line(editor, save).endswith("frame 3")
    shown.get_by_label("Speed").select_option("0.5")
    shown.get_by_label("Start again").click()
    video = shown.locator("video")
    assert video.evaluate("(v) => [v.playbackRate, v.loop]") == [0.5, False]
    press(editor, save, "End", "ArrowRight")
    assert line(editor, save).endswith("frame 4")


def test_frame_is_saved_as_a_picture(film, tmp_path):
    from PIL import Image

    editor, _, save = film
    press(editor, save, "Home", "ArrowRight")
    pixels(editor, save)
    with editor.page.expect_download() as download:
        player(editor, save).get_by_label("Save this frame").click()
    assert download.value.suggested_filename.endswith("_frame_0002.png")
    download.value.save_as(tmp_path / "frame.png")
    width = editor.call("film", save)["width"]
    assert Image.open(tmp_path / "frame.png").size == (width, width)


def test_double_click_fills_the_screen_and_leaves_it(film):
    editor, _, save = film
    screen = player(editor, save).locator(".svdstudio-film-screen")
    screen.dblclick()
    editor.page.wait_for_function("document.fullscreenElement?.className === 'svdstudio-film'")
    screen.dblclick()
    editor.page.wait_for_function("document.fullscreenElement === null")


def test_films_are_there_again_after_the_page_was_loaded_anew(stage, tmp_path):
    editor = stage
    preview, save = build(editor)
    graph = editor.saved() | {"id": f"0e5f2b6c-0000-4000-8000-{editor.renderer:0>12.12}"}
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph), encoding="utf-8")
    editor.open(file)
    editor.call("run")
    editor.wait_for_film(save)
    before = line(editor, save).rsplit("frame", 1)[0]
    load_anew(editor)
    editor.open(file)
    for node in (preview, save):
        editor.call("show", node)
        editor.wait_for_film(node)
    assert line(editor, save).rsplit("frame", 1)[0] == before
    editor.open(file)  # as undo does, with other nodes of the same ids
    editor.wait_for_film(save)


def load_anew(editor):
    editor.page.reload()
    editor.page.wait_for_function(READY, timeout=START_MS)
    editor.page.evaluate(f"{HELPERS}; null")
    editor.settle()


def test_film_that_is_gone_or_has_a_strange_name_is_only_text(stage):
    editor = stage
    _, save = build(editor)
    name = "\u202e<script>window.bad = 1</script>\"'&.mp4"
    editor.page.evaluate(
        """([id, name]) => window.app.api.dispatchEvent(new CustomEvent("executed", { detail: {
            node: String(id), display_node: String(id), prompt_id: "x", output: { svd_film: [{
                filename: name, subfolder: "<img src=x onerror='window.bad=2'>", type: "output",
                width: 64, height: 36, frames: 4, fps: 7, bytes: 5, written: `output/${name}`,
            }] } } }))""",
        [save, name],
    )
    editor.page.wait_for_function("(id) => window.editor.player(id)", arg=save)
    player(editor, save).get_by_text("The film cannot be played").wait_for()
    assert player(editor, save).locator(".svdstudio-film-place").text_content() == f"output/{name}"
    assert player(editor, save).locator("script, img").count() == 0
    assert editor.page.evaluate("window.bad") is None
    editor.errors[:] = [error for error in editor.errors if "404" not in error]


def test_node_that_is_removed_lets_go_of_its_film(film):
    editor, _, save = film
    left = editor.page.evaluate(
        """(id) => {
            const [video] = window.editor.player(id).querySelectorAll("video");
            app.graph.remove(app.graph.getNodeById(id));
            const { paused, readyState } = video;
            return [paused, readyState, video.getAttribute("src")];
        }""",
        save,
    )
    assert left == [True, 0, None]
    editor.settle()
    assert editor.page.locator(".svdstudio-film").count() == 1
    assert complaints(editor) == []


def test_copy_shows_no_film_of_its_original(film):
    editor, _, save = film
    editor.page.evaluate("(id) => app.canvas.copyToClipboard([app.graph.getNodeById(id)])", save)
    editor.page.evaluate("app.canvas.pasteFromClipboard()")
    editor.settle()
    assert editor.page.locator(".svdstudio-film").count() == 2
    assert len(editor.saved()["nodes"]) == 5
    assert all("svdstudio_film" not in json.dumps(node) for node in editor.saved()["nodes"])


def test_film_is_shown_inside_a_subgraph(stage):
    editor = stage
    preview, save = build(editor)
    outer = editor.page.evaluate(
        """([...ids]) => app.graph.convertToSubgraph(
            new Set(ids.map((id) => app.graph.getNodeById(id)))).node.id""",
        [preview, save],
    )
    editor.call("run")
    node = "app.graph.getNodeById(id)"
    editor.page.evaluate(f"(id) => app.canvas.openSubgraph({node}.subgraph, {node})", outer)
    editor.page.wait_for_function(
        "[...document.querySelectorAll('.svdstudio-film video')].some((each) => each.videoWidth)"
    )
