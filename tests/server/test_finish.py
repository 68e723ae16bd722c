"""The graph that ends in a finished film, on a genuine server, with the real networks."""

import json
import re
import threading
import time
import urllib.request
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

pytestmark = pytest.mark.comfy
GRAPH = Path(__file__).resolve().parents[2] / "workflows" / "api" / "image_to_4k.json"
# Of those that the registry's packages ship, the quick ones; the graph names larger ones.
UPSCALER, INTERPOLATOR = "realesr-animevideov3-x4", "rife-4.6"


@pytest.fixture(scope="module")
def networks(server, finish_file):
    """The networks of the graph where the server looks for models."""
    for name in (UPSCALER, INTERPOLATOR):
        file = finish_file(name)
        folder = server.base / "models" / file.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(file.read_bytes())


@pytest.fixture
def graph(server, networks, photograph):
    """image_to_4k, small and quick, and its inputs by class."""
    from PIL import Image

    pixels = (photograph[0].numpy() * 255).astype(np.uint8)
    Image.fromarray(pixels).save(server.base / "input" / "example.png")
    nodes = json.loads(GRAPH.read_text(encoding="utf-8"))
    nodes["report"] = {"class_type": "PreviewAny", "inputs": {"source": ["10", 2]}}
    by_class = {node["class_type"]: node["inputs"] for node in nodes.values()}
    by_class["SVDStudioCameraGuide"] |= {"width": 64, "height": 64, "frames": 4}
    by_class["SVDStudioConditioning"] |= {"width": 64, "height": 64, "frames": 4}
    by_class["SVDStudioSampler"]["steps"] = 2
    by_class["SVDStudioUpscale"] |= {"model_name": f"{UPSCALER}.safetensors"}
    by_class["SVDStudioUpscale"] |= {"target": "network's own"}
    by_class["SVDStudioInterpolate"] |= {"model_name": f"{INTERPOLATOR}.safetensors"}
    by_class["SVDStudioInterpolate"] |= {"target_fps": 23.976, "seconds": 1.0}
    return nodes, by_class


def film_of(server, outputs):
    (film,) = outputs["10"]["svd_film"]
    return server.base / "output" / film["subfolder"] / film["filename"]


def frames_of(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def unfinished(server):
    return list((server.base / "output").rglob(".svd-studio-*"))


def test_a_picture_becomes_a_finished_film(server, graph):
    outputs, failures = server.queue(graph[0])
    assert not failures
    with av.open(str(film_of(server, outputs))) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (256, 256, 24)
        assert stream.average_rate == Fraction(24000, 1001)
        assert json.loads(film.metadata["prompt"])["8"] == graph[0]["8"]
    assert not unfinished(server)


def test_a_cancelled_render_goes_on_where_it_was(server, graph):
    graph[1]["SVDStudioInterpolate"]["seconds"] = 5.0
    graph[1]["SVDStudioWriteVideo"]["segment_frames"] = 4
    thread = threading.Thread(target=server.run, args=(graph[0],))
    thread.start()
    while not any(list(work.glob("pieces/000002*")) for work in unfinished(server)):
        time.sleep(0.02)
    urllib.request.urlopen(urllib.request.Request(server.url + "/interrupt", b"{}"))
    thread.join(60)
    assert unfinished(server)
    outputs, failures = server.queue(graph[0])
    assert not failures
    went_on = re.search(r"went on after (\d+) frames", outputs["report"]["text"][0])
    assert int(went_on[1]) >= 8
    resumed = frames_of(film_of(server, outputs))
    graph[1]["SVDStudioWriteVideo"]["resume"] = False
    graph[1]["SVDStudioWriteVideo"]["filename_prefix"] = "video/whole"
    outputs, _ = server.queue(graph[0])
    np.testing.assert_array_equal(resumed, frames_of(film_of(server, outputs)))
    assert not unfinished(server)


def test_a_network_that_is_not_there_is_named(server, graph):
    graph[1]["SVDStudioUpscale"]["model_name"] = "gone.pth"
    _, failures = server.queue(graph[0])
    assert "gone.pth" in "\n".join(failures)


# ---- what a second run does again ----------------------------------------------------------------

FROM_SAMPLER = {
    "SVDStudioSampler",
    "SVDStudioFramesFromLatent",
    "SVDStudioUpscale",
    "SVDStudioStabilise",
    "SVDStudioInterpolate",
    "SVDStudioFilmLook",
    "SVDStudioWriteVideo",
    "PreviewAny",
}


def what_runs(server, nodes):
    """The classes of the nodes that are not in ComfyUI's cache when the graph is queued."""
    messages = dict(server.run(nodes)["status"]["messages"])
    assert "execution_success" in messages
    cached = messages["execution_cached"]["nodes"]
    return {node["class_type"] for key, node in nodes.items() if key not in cached}


def test_another_seed_in_the_sampler_runs_from_the_sampler_on(server, graph):
    nodes, by_class = graph
    by_class["SVDStudioSampler"]["seed"] = 101
    what_runs(server, nodes)
    by_class["SVDStudioSampler"]["seed"] = 102
    assert what_runs(server, nodes) == FROM_SAMPLER


def test_the_same_graph_again_runs_nothing(server, graph):
    graph[1]["SVDStudioSampler"]["seed"] = 103
    what_runs(server, graph[0])
    assert what_runs(server, graph[0]) == set()


def test_another_seed_in_the_conditioning_runs_it_and_from_the_sampler_on(server, graph):
    """Neither the model is loaded nor the guide encoded again."""
    nodes, by_class = graph
    by_class["SVDStudioSampler"]["seed"] = 104
    what_runs(server, nodes)
    by_class["SVDStudioConditioning"]["seed"] += 1
    assert what_runs(server, nodes) == {"SVDStudioConditioning", *FROM_SAMPLER}
