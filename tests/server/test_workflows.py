"""Every workflow that the pack brings runs through the HTTP API, on svd-mini, to files that play.

Each is the editor's own file, converted. Frames, steps and sizes are small; image models are
stand-ins with random weights; upscaling and interpolation are the real networks.
"""

import importlib
import json
import re
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from ..stand_ins import STAND_INS, write

pytestmark = pytest.mark.comfy

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
LONG, SHORT = 128, 64

# All that differs from the file, by class. A size keeps lying or standing as it is.
QUICKER = {
    "SVDStudioConditioning": {"frames": 4},
    "SVDStudioCameraGuide": {"frames": 4},
    "SVDStudioSampler": {"steps": 2},
    "SVDStudioUpscale": {"target": "network's own"},
    "SVDStudioInterpolate": {"seconds": 0.5},
    "SVDStudioCameraPreview": {"frames": 4},
    "SVDStudioLightSweep": {"frames": 4},
    "SVDStudioTrainingClips": {"num_frames": 4, "clips_per_film": 1},
    "SVDStudioTrainLora": {"steps": 2, "rank": 2},
    "KSampler": {"steps": 1},
}
SIZED = (
    "SVDStudioConditioning",
    "SVDStudioCameraGuide",
    "SVDStudioCameraPreview",
    "SVDStudioLightSweep",
    "SVDStudioTrainingClips",
    "EmptyLatentImage",
    "ImageScale",
)
# Real networks that stand in for larger or newer ones of the same kind.
WEIGHTS = {
    "RealESRGAN_x4plus.safetensors": "realesr-animevideov3-x4",
    "rife_v4.26.safetensors": "rife-4.6",
}
# Frames, size and rate of every film, and names of other files, that a reduced workflow writes.
MAKES = {
    "camera_from_clip": [(4, (128, 64), 7)],
    "camera_move": [(4, (128, 64), 7)],
    "card_8gb": [(14, (128, 64), 24)],
    "concept_art_depth": [(4, (128, 64), 7)],
    "first_light": [(4, (128, 64), 7)],
    "first_to_last": [(7, (256, 144), 7)],
    "hand_off": [
        (14, (128, 64), 24),
        "hand_off.json",
        *(f"hand_off.{1001 + n}.exr" for n in range(14)),
    ],
    "image_to_4k": [(12, (512, 256), 24)],
    "portrait_loop": [(15, (64, 128), 30)],
    "product_b_roll": [(27, (128, 64), 24)],
    "quick_look": [(4, (128, 64), 7)],
    "rough_to_film": [(14, (128, 64), 7)],
    "seamless_loop": [(4, (128, 64), 7)],
    "sketch_to_4k": [(12, (512, 256), 24)],
    "storyboard_animatic": [(36, (128, 64), 24)],
    "text_to_4k": [(12, (512, 256), 24)],
    "train_a_lora": ["my_lora.safetensors"],
    "use_a_lora": [(4, (128, 64), 7)],
}


@pytest.fixture(scope="module")
def convert(server):
    """convert(path): the API graph of a workflow file."""
    definitions = server.object_info()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "dev"))
        editor_graphs = importlib.import_module("editor_graphs")
    return lambda path: editor_graphs.to_api(json.loads(path.read_text("utf-8")), definitions)


@pytest.fixture(scope="module")
def offered(server, finish_file):
    """offered(graph): every file that the graph names is where the server looks for it."""
    models = server.base / "models"

    def put(graph):
        for name in {value for node in graph.values() for value in names_in(node)}:
            if name in STAND_INS:
                write(name, models)
            elif name in WEIGHTS:
                file = finish_file(WEIGHTS[name])
                copy(file, models / file.parent.name / name)

    return put


def names_in(node):
    return [value for value in node["inputs"].values() if isinstance(value, str)]


def copy(file, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.write_bytes(file.read_bytes())


def reduced(graph):
    for node in graph.values():
        inputs = node["inputs"]
        changed = dict(QUICKER.get(node["class_type"], {}))
        if node["class_type"] in SIZED:
            changed |= small(inputs["width"], inputs["height"])
        inputs.update({name: new for name, new in changed.items() if is_more(inputs[name], new)})
    return graph


@pytest.fixture(scope="module", autouse=True)
def picture(server):
    """ComfyUI's example picture, small: core's own nodes work on all of it."""
    file = server.base / "input" / "example.png"
    with Image.open(file) as example:
        small = example.convert("RGBA").resize((384, 256))
    small.save(file)


def is_more(value, new):
    """Links stay, and so does a film's own length."""
    return not isinstance(value, list) and not (isinstance(new, float) and value < new)


def small(width, height):
    """A small size that stands where the given one does; 0 and links lie."""
    stands = isinstance(width, int) and isinstance(height, int) and height > width
    return {"width": SHORT, "height": LONG} if stands else {"width": LONG, "height": SHORT}


def written(server, outputs):
    """Every file in the output folder that the history names."""
    entries = [
        entry
        for output in outputs.values()
        for values in output.values()
        for entry in values
        if isinstance(entry, dict) and entry.get("type") == "output"
    ]
    return [server.base / "output" / entry["subfolder"] / entry["filename"] for entry in entries]


def film_facts(path):
    """Frames that were decoded, size and rate."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        count = sum(1 for _ in film.decode(video=0))
        size = (stream.codec_context.width, stream.codec_context.height)
        return count, size, Fraction(stream.average_rate)


def facts(path):
    """What a file is: a film, or a picture, or a name without the number that makes it new."""
    if path.suffix in (".mp4", ".mkv", ".mov", ".webm"):
        return film_facts(path)
    if path.suffix in (".png", ".jpg", ".webp"):
        with Image.open(path) as picture:
            return (getattr(picture, "n_frames", 1), picture.size, 0)
    return re.sub(r"_\d{5}(?=\.)", "", path.name)


def files_in(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_every_workflow_is_expected_to_make_something():
    assert {path.stem for path in WORKFLOWS} == MAKES.keys()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_api_twin_means_what_the_workflow_means(convert, path):
    twin = json.loads((path.parent / "api" / path.name).read_text("utf-8"))
    assert convert(path) == twin, "python3 dev/api_twins.py writes it anew"


def test_a_quality_preset_shows_what_it_means(server):
    """Its values are saved beside its name, and presets may change."""
    node = "SVDStudioQualityPreset"
    presets = server.object_info()[node]["input"]["required"]["preset"][1]["svd_presets"]
    for path in WORKFLOWS:
        twin = json.loads((path.parent / "api" / path.name).read_text("utf-8"))
        for inputs in (each["inputs"] for each in twin.values() if each["class_type"] == node):
            meant = presets.get(inputs["preset"], {})
            assert inputs.items() >= meant.items(), f"{path.stem}: choose the preset anew"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_runs_to_files_that_play(server, convert, offered, path):
    graph = convert(path)
    offered(graph)
    output = server.base / "output"
    models = server.base / "models"
    before = files_in(output) | files_in(models)
    outputs, failures = server.queue(reduced(graph))
    assert not failures
    saved = written(server, outputs)
    assert set(saved) <= files_in(output) - before
    made = saved or sorted(files_in(models) - before)
    assert sorted(map(facts, made), key=str) == sorted(MAKES.get(path.stem, []), key=str)
    # Nothing of what was being written stays behind.
    assert not [file for file in files_in(output) if file.name.startswith(".svd-studio-")]


def joined_blueprints():
    """A picture, *Picture to Film*, and *Finish to 4K* after it: two nodes for the whole way."""
    first, last = (
        json.loads((ROOT / "subgraphs" / f"{name}.json").read_text("utf-8"))
        for name in ("Picture to Film", "Finish to 4K")
    )
    nodes = [{"id": 1, "type": "LoadImage", "widgets_values": ["example.png", "image"]}]
    for number, blueprint, name in ((2, first, "image"), (3, last, "frames")):
        (host,) = blueprint["nodes"]
        for slot in host["inputs"]:
            slot["link"] = number if slot["name"] == name else None
        nodes.append({**host, "id": number})
    links = [[2, 1, 0, 2, 0, "IMAGE"], [3, 2, 0, 3, 0, "SVD_FRAMES"]]
    inside = [*first["definitions"]["subgraphs"], *last["definitions"]["subgraphs"]]
    return {"nodes": nodes, "links": links, "definitions": {"subgraphs": inside}, "version": 0.4}


def test_blueprints_make_a_film_together(server, convert, offered, tmp_path):
    file = tmp_path / "joined.json"
    file.write_text(json.dumps(joined_blueprints()))
    graph = convert(file)
    offered(graph)
    outputs, failures = server.queue(reduced(graph))
    assert not failures
    assert [facts(path) for path in written(server, outputs)] == [(12, (512, 256), 24)]
