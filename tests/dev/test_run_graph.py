"""dev/run_graph.py: which files come home, under which name; and once with a genuine server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN_GRAPH = Path(__file__).resolve().parents[2] / "dev" / "run_graph.py"

BLUE = {
    "class_type": "EmptyImage",
    "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 255},
    "_meta": {"title": "Blue"},
}
SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "blue"}}
LOAD = {
    "class_type": "LoadImage",
    "inputs": {"image": "set by --image"},
    "_meta": {"title": "My picture"},
}


@pytest.fixture
def run_graph(script):
    pytest.importorskip("av")
    pytest.importorskip("aiohttp")
    return script("run_graph")


def test_existing_file_is_never_overwritten(run_graph, tmp_path):
    for content in (b"1", b"2", b"3"):
        with run_graph.open_new(tmp_path / "out", "a.png") as file:
            file.write(content)
    contents = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert contents == {"a.png": b"1", "a_1.png": b"2", "a_2.png": b"3"}


def test_name_from_the_server_stays_inside_the_folder(run_graph, tmp_path):
    with run_graph.open_new(tmp_path / "out", "../../a.png"):
        pass
    assert (tmp_path / "out" / "a.png").is_file()


def test_previews_count_only_where_nothing_is_saved(run_graph):
    saved = {"filename": "a", "subfolder": "", "type": "output"}
    preview = {"filename": "b", "subfolder": "", "type": "temp"}
    assert run_graph.wanted_files([preview, saved]) == [saved]
    assert run_graph.wanted_files([preview]) == [preview]


def test_video_is_described_by_frames_size_and_seconds(run_graph, tmp_path):
    import av

    file = tmp_path / "a.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height = 64, 48
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    size = file.stat().st_size
    assert run_graph.describe(file) == f"{file}: {size} bytes, 6 frames, 64x48, 1.50 s"


@pytest.mark.parametrize("name", ["a.safetensors", "a.exr"])
def test_other_files_are_described_by_size_alone(run_graph, tmp_path, name):
    file = tmp_path / name
    file.write_bytes(b"12345")
    assert run_graph.describe(file) == f"{file}: 5 bytes"


def run_on_comfyui(tmp_path, graph, *arguments):
    comfyui = os.environ.get("COMFYUI_PATH")
    if not comfyui:
        pytest.skip("COMFYUI_PATH is not set")
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph))
    command = [sys.executable, RUN_GRAPH, file, "--comfyui", comfyui, "--out", tmp_path / "out"]
    return subprocess.run(
        [*map(str, command), *map(str, arguments)], capture_output=True, text=True, timeout=180
    )


@pytest.mark.comfy
def test_graph_runs_on_a_genuine_server_and_its_file_comes_home(tmp_path):
    done = run_on_comfyui(tmp_path, {"1": BLUE, "2": SAVE}, "--set", "Blue.width=32")
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "out").iterdir()
    assert f"{file}: {file.stat().st_size} bytes, 1 frame, 32x48" in done.stdout
    assert "Blue\nSaveImage\n" in done.stdout


def drawn(number, kind, values, link_in=None, title=None):
    """A node of an editor workflow."""
    inputs = [{"name": "images", "type": "IMAGE", "link": link_in}] if link_in else []
    node = {"id": number, "type": kind, "inputs": inputs, "widgets_values": values}
    return {**node, "title": title} if title else node


@pytest.mark.comfy
def test_editor_workflow_runs_on_files_of_this_machine(tmp_path):
    from PIL import Image

    for name, width in (("first", 40), ("second", 24)):
        Image.new("RGB", (width, 16)).save(tmp_path / f"{name}.png")
    nodes = [
        drawn(1, "LoadImage", ["none.png", "image"], title="Picture"),
        drawn(2, "LoadImage", ["none.png", "image"], title="The end"),
        drawn(3, "SaveImage", ["first"], 1),
        drawn(4, "SaveImage", ["second"], 2),
        drawn(5, "MarkdownNote", ["two pictures"]),
    ]
    links = [[1, 1, 0, 3, 0, "IMAGE"], [2, 2, 0, 4, 0, "IMAGE"]]
    files = ("--image", tmp_path / "first.png", "--set", f"The end.image={tmp_path}/second.png")
    done = run_on_comfyui(tmp_path, {"nodes": nodes, "links": links, "version": 0.4}, *files)
    assert done.returncode == 0, done.stderr
    assert "1 frame, 40x16" in done.stdout
    assert "1 frame, 24x16" in done.stdout


def test_inputs_of_an_api_graph_are_listed_without_a_server(tmp_path):
    file = tmp_path / "graph.json"
    file.write_text(json.dumps({"1": BLUE, "2": SAVE}))
    command = [sys.executable, RUN_GRAPH, file, "--comfyui", "/no/such/folder", "--list"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Blue.width = 64"


@pytest.mark.comfy
def test_failing_node_is_named_and_the_exit_code_is_one(tmp_path):
    picture = tmp_path / "broken.png"
    picture.write_text("no picture")
    done = run_on_comfyui(tmp_path, {"1": LOAD, "2": SAVE}, "--image", picture)
    assert done.returncode == 1
    assert "My picture: cannot identify image file" in done.stderr
    assert not (tmp_path / "out").exists()
