"""Names out of graphs and folders: whatever they hold, they are names, and lead nowhere else."""

import json
import os

import av
import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.comfy

# Name by name what somebody may call a film.
NAMES = {
    "quotes": """she said "it's" `so`""",
    "tag": "<script>alert(1)<script>",
    "image tag": '"><img src=x onerror=alert(1)>',
    "right to left": "\u202e4pm.mlif",
    "arabic": "فيلم عن الضوء",
    "emoji": "🎬 première ✨",
    "shell": "$(touch hacked); rm -rf ~ & | %PATH% #?",
    "dots": "...film..",
}
OUTSIDE = {
    "up": "../outside",
    "up from inside": "video/../../outside",
    "down and up": "a/b/../../../outside",
    "backslashes": "..\\outside",
    "whole path": "{base}/outside",
    "up alone": "..",
}
NO_NAME = {"empty": "", "blank": "  ", "folder": "video/", "dot": ".", "back again": "video/.."}
WRITERS = {
    "SVDStudioSaveVideo": ("images", {"fps": 8.0, "quality": 50}),
    "SVDStudioWriteVideo": (
        "frames",
        {
            "format": "H.264 (mp4)",
            "fps": 8.0,
            "quality": 50,
            "poster": "first",
            "metadata": True,
            "licence": "",
            "segment_frames": 0,
            "resume": True,
            "first_number": 1001,
        },
    ),
}


def cases(values):
    return pytest.mark.parametrize("name", values.values(), ids=values.keys())


def writing(writer, prefix, frames=None):
    """Two blue frames, or those of another node, that `writer` writes."""
    socket, widgets = WRITERS[writer]
    blue = {"width": 64, "height": 48, "batch_size": 2, "color": 255}
    inputs = {**widgets, socket: frames or ["blue", 0], "filename_prefix": prefix}
    return {
        "blue": {"class_type": "EmptyImage", "inputs": blue},
        "film": {"class_type": writer, "inputs": inputs},
    }


def everything(server):
    """Every file around the server that a graph could have written, but for what is temporary."""
    base = server.base
    temp = base / "temp"
    return {
        path
        for folder, _, names in os.walk(base)
        for path in (os.path.join(folder, name) for name in names)
        if not path.startswith((str(temp), str(base / "custom_nodes")))
    }


def films(server, outputs):
    """Where the films are that the history names: (told, path)."""
    entries = [
        entry
        for output in outputs.values()
        for values in output.values()
        for entry in values
        if isinstance(entry, dict) and str(entry.get("filename")).endswith(".mp4")
    ]
    saved = [entry for entry in entries if entry["type"] == "output"]
    return [(told, server.base / "output" / told["subfolder"] / told["filename"]) for told in saved]


def one_sentence(failures):
    (message,) = failures
    assert "\n" not in message
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize("writer", WRITERS)
@cases(NAMES)
def test_film_of_any_name_lies_in_the_output_folder(server, writer, name):
    before = everything(server)
    outputs, failures = server.queue(writing(writer, f"names/{name}"))
    assert not failures
    ((told, film),) = films(server, outputs)
    assert told["filename"].startswith(name)
    assert film.parent == server.base / "output" / "names"
    added = {os.path.dirname(path) for path in everything(server) - before}
    assert added == {str(film.parent)}
    with av.open(str(film)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 2


@pytest.mark.parametrize("writer", WRITERS)
def test_slash_in_a_name_is_a_folder_below(server, writer):
    outputs, failures = server.queue(writing(writer, "<b>bold</b>"))
    assert not failures
    ((told, film),) = films(server, outputs)
    assert told["subfolder"] == "<b>bold<"
    assert film.is_file()


@pytest.mark.parametrize("writer", WRITERS)
@cases(OUTSIDE)
def test_prefix_that_leads_out_is_refused_in_a_sentence(server, writer, name):
    before = everything(server)
    prefix = name.format(base=server.base)
    outputs, failures = server.queue(writing(writer, prefix))
    assert one_sentence(failures).startswith(f"{prefix} leads out of the folder output")
    assert everything(server) == before
    assert "film" not in outputs


@pytest.mark.parametrize("writer", WRITERS)
@cases(NO_NAME)
def test_prefix_without_a_name_is_refused_in_a_sentence(server, writer, name):
    before = everything(server)
    _, failures = server.queue(writing(writer, name))
    assert "names no file" in one_sentence(failures)
    assert everything(server) == before


@pytest.mark.parametrize(
    ("prefix", "words"),
    [("a\nb", "line break"), ("a\0b", "control character"), ("é" * 101, "too long")],
    ids=["line break", "zero", "too long"],
)
def test_what_no_file_can_be_called_is_refused_in_a_sentence(server, prefix, words):
    before = everything(server)
    _, failures = server.queue(writing("SVDStudioWriteVideo", prefix))
    assert words in one_sentence(failures)
    assert everything(server) == before


# ---- models ------------------------------------------------------------------------------------

MODEL = {
    "checkpoint": "svd-mini",
    "precision": "auto",
    "variant": "auto",
    "vae": "inside the checkpoint",
    "image_encoder": "inside the checkpoint",
}
LORA = {
    "model": ["model", 0],
    "lora_name": "svd-mini pan left (built in)",
    "strength": 1.0,
    "spatial_strength": 1.0,
    "temporal_strength": 1.0,
    "start_sigma": 0.0,
    "end_sigma": 0.0,
}


def saving_models(prefix):
    """Both nodes that write models."""
    nodes = {
        "model": {"class_type": "SVDStudioLoadModel", "inputs": MODEL},
        "lora": {"class_type": "SVDStudioLora", "inputs": LORA},
    }
    save = {"lora": ["lora", 2], "model": ["model", 0], "format": "ComfyUI / sgm"}
    save |= {"precision": "fp16", "licence": "", "filename_prefix": prefix}
    merge = {"checkpoint": "svd-mini", "lora": ["lora", 2], "filename_prefix": prefix}
    merge |= {"lora_name": LORA["lora_name"], "strength": 1.0}
    merge |= {"spatial_strength": 1.0, "temporal_strength": 1.0}
    return (
        nodes | {"save": {"class_type": "SVDStudioSaveLora", "inputs": save}},
        nodes | {"save": {"class_type": "SVDStudioMergeLora", "inputs": merge}},
    )


@pytest.mark.parametrize("which", [0, 1], ids=["save", "merge"])
@cases(OUTSIDE)
def test_model_cannot_be_written_outside_its_folder(server, which, name):
    before = everything(server)
    _, failures = server.queue(saving_models(name.format(base=server.base))[which])
    assert "leads out of the folder" in one_sentence(failures)
    assert everything(server) == before


def test_lora_of_any_name_is_listed_by_it(server):
    for name in NAMES.values():
        graph = saving_models(f"names/{name}")[0]
        graph["told"] = {"class_type": "PreviewAny", "inputs": {"source": ["save", 0]}}
        outputs, failures = server.queue(graph)
        assert not failures
        assert outputs["told"]["text"] == [f"names/{name}_00001.safetensors"]
        assert (server.base / "models" / "loras" / "names" / f"{name}_00001.safetensors").is_file()


# ---- what is read ------------------------------------------------------------------------------


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
