"""A LoRA trained through the HTTP API in one graph, and used in another."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

pytestmark = pytest.mark.comfy
GRAPHS = Path(__file__).resolve().parents[2] / "workflows" / "api"


def graph_of(name):
    """A bundled graph and its inputs by class."""
    nodes = json.loads((GRAPHS / f"{name}.json").read_text(encoding="utf-8"))
    return nodes, {node["class_type"]: node["inputs"] for node in nodes.values()}


@pytest.fixture(scope="module")
def films(server):
    """Two films of soft spots that go by, and the name of their folder."""
    from svd_studio.dev.lora_films import rolling_film, write_film

    for number in range(2):
        write_film(rolling_film(number), server.base / "input" / "spots" / f"{number}.mkv")
    return "spots"


@pytest.fixture
def training(films):
    nodes, by_class = graph_of("train_a_lora")
    small = {"num_frames": 4, "width": 128, "height": 64}
    by_class["SVDStudioTrainingClips"] |= {"folder": films, **small}
    by_class["SVDStudioTrainLora"] |= {"steps": 3, "rank": 2, "validate_every": 2}
    nodes["name"] = {"class_type": "PreviewAny", "inputs": {"source": ["4", 0]}}
    nodes["report"] = {"class_type": "PreviewAny", "inputs": {"source": ["3", 1]}}
    return nodes, by_class


def test_a_lora_trained_in_one_graph_changes_the_film_of_another(server, training, photograph):
    from PIL import Image

    nodes, by_class = training
    by_class["SVDStudioTrainLora"] |= {"name": "strong", "learning_rate": 0.1, "ema_decay": 0.0}
    outputs, failures = server.queue(nodes)
    assert not failures
    (name,) = outputs["name"]["text"]
    assert outputs["2"]["images"]
    assert outputs["3"]["images"]

    pixels = (photograph[0].numpy() * 255).astype(np.uint8)
    Image.fromarray(pixels).save(server.base / "input" / "example.png")
    nodes, by_class = graph_of("use_a_lora")
    by_class["SVDStudioConditioning"] |= {"width": 128, "height": 64, "frames": 4}
    by_class["SVDStudioSampler"]["steps"] = 2
    nodes["report"] = {"class_type": "PreviewAny", "inputs": {"source": ["3", 1]}}
    nodes["pictures"] = {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}}
    films = {}
    for strength in (0.0, 1.0):
        by_class["SVDStudioLora"] |= {"lora_name": name, "strength": strength}
        outputs, failures = server.queue(nodes)
        assert not failures
        pictures = outputs["pictures"]["images"]
        films[strength] = [picture_of(server, picture) for picture in pictures]
    assert "temporal attention" in outputs["report"]["text"][0]
    assert any((a != b).any() for a, b in zip(*films.values(), strict=True))


def picture_of(server, found):
    import io
    import urllib.parse
    import urllib.request

    from PIL import Image

    query = urllib.parse.urlencode(found)
    with urllib.request.urlopen(f"{server.url}/view?{query}") as response:
        return np.array(Image.open(io.BytesIO(response.read())))


def test_training_that_was_cancelled_goes_on(server, training):
    nodes, by_class = training
    by_class["SVDStudioTrainLora"] |= {"name": "cancelled", "steps": 400}
    state = server.base / "output" / "svd_studio" / "lora_runs" / "cancelled"
    cancel = threading.Thread(target=cancel_when, args=(server, state / "samples"))
    cancel.start()
    server.queue(nodes)
    cancel.join()
    begun = steps_of(state / "cancelled.safetensors")
    assert 2 <= begun < 400
    by_class["SVDStudioTrainLora"]["steps"] = begun + 1
    outputs, failures = server.queue(nodes)
    assert not failures
    assert f"step {begun + 1} of {begun + 1}" in outputs["report"]["text"][0]
    assert steps_of(state / "cancelled.safetensors") == begun + 1


def steps_of(file):
    with safe_open(file, "pt") as lora:
        return int(lora.metadata()["ss_steps"])


def cancel_when(server, folder):
    """Once training has drawn a clip at its second step."""
    while len(list(folder.glob("*.png"))) < 2:
        time.sleep(0.05)
    server.post("/interrupt", {})


def test_a_folder_without_films_is_refused_in_a_sentence(server, training):
    nodes, by_class = training
    (server.base / "input" / "nothing").mkdir(exist_ok=True)
    by_class["SVDStudioTrainingClips"]["folder"] = "nothing"
    _, (message,) = server.queue(nodes)
    assert "nothing" in message
