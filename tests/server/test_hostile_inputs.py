"""Names of what is read: pictures, folders and sets of any name, and nothing from elsewhere."""

import json

import av
import numpy as np
import pytest
from PIL import Image

from .hostile import MODEL, NAMES, cases, everything, films, one_sentence, writing

pytestmark = pytest.mark.comfy


def reading(path):
    """A folder of pictures, and the film made of it."""
    widgets = {"path": path, "fps": 8.0, "skip_first": 0, "frame_limit": 0, "every_nth": 1}
    graph = writing("SVDStudioWriteVideo", "names/read", ["load", 0])
    graph.pop("blue")
    return graph | {"load": {"class_type": "SVDStudioLoadFrames", "inputs": widgets}}


@cases(NAMES)
def test_folder_of_any_name_is_read(server, name):
    folder = server.base / "input" / name
    folder.mkdir(exist_ok=True)
    for number in range(2):
        Image.new("RGB", (64, 48), (number * 200, 0, 0)).save(folder / f"<i>{number}.png")
    outputs, failures = server.queue(reading(name))
    assert not failures
    assert films(server, outputs)


@pytest.mark.parametrize("node", ["SVDStudioLoadFrames", "SVDStudioTrainingClips"])
@pytest.mark.parametrize("path", ["../output", "a/../../output", ".."])
def test_relative_path_stays_in_the_input_folder(server, node, path):
    graph = reading(path) if node == "SVDStudioLoadFrames" else training(path, "set")
    before = everything(server)
    _, failures = server.queue(graph)
    assert "leads out of ComfyUI's input folder" in one_sentence(failures)
    assert everything(server) == before


def test_file_that_is_no_film_is_told_in_a_sentence_and_not_shown(server):
    secret = server.base / "secret.txt"
    secret.write_text("a secret of the machine")
    _, failures = server.queue(reading(str(secret)))
    message = one_sentence(failures)
    assert "secret.txt" in message
    assert "a secret of the machine" not in message


def test_picture_of_any_name_begins_a_film_that_keeps_it_as_text(server, first_light):
    graph, by_class = first_light
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    for name in (NAMES["quotes"], NAMES["image tag"], NAMES["right to left"]):
        Image.fromarray(pixels).save(server.base / "input" / f"{name}.png")
        by_class["LoadImage"]["image"] = f"{name}.png"
        outputs, failures = server.queue(graph)
        assert not failures
        ((_, path),) = films(server, outputs)
        with av.open(str(path)) as film:
            kept = json.loads(film.metadata["prompt"])
        assert kept["1"]["inputs"]["image"] == f"{name}.png"


# ---- names of sets and runs --------------------------------------------------------------------


def training(folder, name):
    """Clips, up to the node that encodes them."""
    clips = {
        "vae": ["model", 2],
        "clip_vision": ["model", 1],
        "folder": folder,
        "name": name,
        "num_frames": 2,
        "fps": 0,
        "width": 64,
        "height": 64,
        "clips_per_film": 1,
        "mirror": False,
        "validation_share": 0.0,
        "seed": 0,
        "pictures_fps": 0.0,
    }
    return {
        "model": {"class_type": "SVDStudioLoadModel", "inputs": MODEL},
        "clips": {"class_type": "SVDStudioTrainingClips", "inputs": clips},
    }


@pytest.fixture(scope="module")
def film_folder(server):
    folder = server.base / "input" / "a film"
    folder.mkdir()
    for number in range(4):
        Image.radial_gradient("L").resize((64 + 2 * number, 64)).crop((0, 0, 64, 64)).convert(
            "RGB"
        ).save(folder / f"{number}.png")
    return folder.name


@pytest.mark.parametrize("name", ["../up", "/tmp/up", "..", ".hidden", "<b>", 'a"b', "a:b"])
def test_name_of_a_set_of_clips_is_one_folder(server, film_folder, name):
    before = everything(server)
    _, failures = server.queue(training(film_folder, name))
    assert "cannot be a folder's name" in one_sentence(failures)
    assert everything(server) == before


@pytest.mark.parametrize("name", ["فيلم", "🎬 it's", "\u202epu"])
def test_set_of_clips_may_have_any_other_name(server, film_folder, name):
    _, failures = server.queue(training(film_folder, name))
    assert not failures
    assert (server.base / "output" / "svd_studio" / "training_clips" / name).is_dir()
