"""The demo's graph on a genuine server: what it tells while it runs, and what it leaves."""

import json
import threading
import time
import urllib.request

import av
import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.comfy


@pytest.fixture
def graph(server, first_light):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    Image.fromarray(pixels).save(server.base / "input" / "picture.png")
    first_light[1]["LoadImage"]["image"] = "picture.png"
    return first_light


def film_of(server, outputs):
    (film,) = outputs["7"]["svd_film"]
    return server.base / "output" / film["subfolder"] / film["filename"]


def test_the_film_has_the_size_length_and_rate_asked_for(server, graph):
    graph[1]["SVDStudioConditioning"] |= {"width": 96, "height": 64, "frames": 3}
    graph[1]["SVDStudioSaveVideo"]["fps"] = 23.976
    outputs, failures = server.queue(graph[0])
    assert not failures
    with av.open(str(film_of(server, outputs))) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (96, 64, 3)
        assert (stream.average_rate.numerator, stream.average_rate.denominator) == (24000, 1001)


def test_zero_means_what_the_model_was_trained_on(server, graph):
    graph[1]["SVDStudioConditioning"] |= {"width": 0, "height": 0, "frames": 0}
    graph[1]["SVDStudioSampler"]["steps"] = 1
    outputs, failures = server.queue(graph[0])
    assert not failures
    with av.open(str(film_of(server, outputs))) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (256, 144, 14)


def test_the_film_carries_its_graph(server, graph):
    graph[1]["SVDStudioSampler"]["seed"] = 123
    outputs, _ = server.queue(graph[0])
    with av.open(str(film_of(server, outputs))) as film:
        assert json.loads(film.metadata["prompt"])["5"]["inputs"]["seed"] == 123


def test_a_second_run_gets_a_name_of_its_own(server, graph):
    names = set()
    for seed in (1, 2):
        graph[1]["SVDStudioSampler"]["seed"] = seed
        outputs, _ = server.queue(graph[0])
        names.add(film_of(server, outputs).name)
    assert len(names) == 2


def test_the_same_seed_gives_the_same_film(server, graph):
    """ComfyUI keeps the last run only, so another seed in between has all of it done again."""
    graph[1]["SVDStudioConditioning"]["augmentation_level"] = 0.5
    films = {}
    for run, seed in enumerate((1, 2, 1)):
        graph[1]["SVDStudioConditioning"]["seed"] = graph[1]["SVDStudioSampler"]["seed"] = seed
        graph[1]["SVDStudioSaveVideo"]["filename_prefix"] = f"video/same_{run}"
        outputs, failures = server.queue(graph[0])
        assert not failures
        with av.open(str(film_of(server, outputs))) as film:
            films[run] = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
    np.testing.assert_array_equal(films[0], films[2])
    assert not np.array_equal(films[0], films[1])


def test_cancel_stops_a_run_within_a_step(server, graph):
    graph[1]["SVDStudioSampler"]["steps"] = 1000
    result = {}
    thread = threading.Thread(target=lambda: result.update(entry=server.run(graph[0])))
    thread.start()
    time.sleep(6)
    urllib.request.urlopen(urllib.request.Request(server.url + "/interrupt", b"{}"))
    begin = time.monotonic()
    thread.join(60)
    assert time.monotonic() - begin < 10
    kinds = [kind for kind, _ in result["entry"]["status"]["messages"]]
    assert "execution_interrupted" in kinds


def test_the_loader_lists_the_miniature_on_a_fresh_install(server):
    info = server.object_info()["SVDStudioLoadModel"]
    spec = info["input"]["required"]["checkpoint"]
    options = spec[1].get("options", spec[0])
    assert "svd-mini" in options
