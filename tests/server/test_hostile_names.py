"""Names of what is written: whatever they hold, they are names, and lead nowhere else."""

import os

import av
import pytest

from .hostile import (
    MODEL,
    NAMES,
    NO_NAME,
    OUTSIDE,
    WRITERS,
    cases,
    everything,
    films,
    one_sentence,
    writing,
)  # fmt: skip

pytestmark = pytest.mark.comfy


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
