from __future__ import annotations

import json
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from svd_studio.models.weight_files import WeightFileError, open_component, open_weights
from torch.testing import assert_close

WEIGHTS = {"a.weight": torch.arange(6.0).view(2, 3), "b.weight": torch.ones(2)}


def write(path, tensors=WEIGHTS, **metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata)
    return path


def write_pickle(path):
    path.write_bytes(pickle.dumps({"a": 1}, protocol=2))


def write_zip_pickle(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))


def write_truncated(path):
    whole = write(path).read_bytes()
    path.write_bytes(whole[:-4])


def write_cut_in_header(path):
    whole = write(path).read_bytes()
    path.write_bytes(whole[:40])


def write_web_page(path):
    path.write_text("<!DOCTYPE html><title>Log in</title>")


def test_header_tells_shapes_without_reading_weights(tmp_path):
    opened = open_weights(write(tmp_path / "x.safetensors", note="hello"))
    assert opened.shapes == {"a.weight": (2, 3), "b.weight": (2,)}
    assert opened.metadata["note"] == "hello"


def test_prefix_selects_and_is_cut_off(tmp_path):
    opened = open_weights(write(tmp_path / "x.safetensors"))
    assert_close(opened.read("a."), {"weight": WEIGHTS["a.weight"]})
    assert opened.shapes_under("a.") == {"weight": (2, 3)}


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("x.ckpt", write_zip_pickle, "x.ckpt is a pickle.*use the .safetensors version"),
        ("x.ckpt", write, "x.ckpt is a pickle.*use the .safetensors version"),
        ("x.safetensors", write_pickle, "x.safetensors is a pickle.*use the .safetensors version"),
        ("x.safetensors", write_zip_pickle, "x.safetensors is a pickle.*use the .safetensors"),
        ("x.safetensors", write_truncated, r"x.safetensors is truncated.*\d bytes.*download"),
        ("x.safetensors", write_cut_in_header, "x.safetensors is truncated.*40 bytes.*download"),
        ("x.safetensors", lambda path: path.touch(), "x.safetensors is truncated.*0 bytes"),
        ("x.safetensors", write_web_page, "x.safetensors is truncated or damaged.*download"),
    ],
    ids=[
        "ckpt",
        "safetensors named ckpt",
        "pickle named safetensors",
        "zip named safetensors",
        "truncated",
        "truncated header",
        "empty",
        "web page",
    ],
)
def test_unusable_file_is_refused_in_one_line(tmp_path, name, damage, words):
    damage(tmp_path / name)
    with pytest.raises(WeightFileError, match=f"^{words}") as refusal:
        open_weights(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_pickle_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "x.safetensors").write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(WeightFileError):
        open_weights(tmp_path / "x.safetensors")
    assert not (tmp_path / "sprung").exists()


def test_header_whose_length_looks_like_a_pickle_is_read(tmp_path):
    files = (write(tmp_path / f"{n}.safetensors", note="x" * n) for n in range(300))
    file = next(file for file in files if file.read_bytes()[:1] == b"\x80")
    assert open_weights(file).shapes["b.weight"] == (2,)


def test_sharded_component_is_one(tmp_path):
    shards = {}
    for number, (name, tensor) in enumerate(WEIGHTS.items(), 1):
        shards[name] = write(tmp_path / "unet" / f"m-{number}.safetensors", {name: tensor}).name
    index = {"weight_map": shards}
    (tmp_path / "unet" / "m.safetensors.index.json").write_text(json.dumps(index))
    assert_close(open_component(tmp_path / "unet").read(), WEIGHTS)


def test_missing_shard_is_named(tmp_path):
    write(tmp_path / "unet" / "m-1.safetensors")
    index = {"weight_map": {"a.weight": "m-1.safetensors", "b.weight": "m-2.safetensors"}}
    (tmp_path / "unet" / "m.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(
        WeightFileError, match=r"^\S+/unet is incomplete \(missing: m-2.safetensors"
    ):
        open_component(tmp_path / "unet")


def test_half_precision_twin_is_used_when_alone(tmp_path):
    write(tmp_path / "unet" / "m.fp16.safetensors")
    assert open_component(tmp_path / "unet").files[0].name == "m.fp16.safetensors"


def test_full_precision_is_preferred_to_its_twin(tmp_path):
    write(tmp_path / "unet" / "m.fp16.safetensors")
    write(tmp_path / "unet" / "m.safetensors")
    assert open_component(tmp_path / "unet").files[0].name == "m.safetensors"


@pytest.mark.parametrize(
    ("files", "words"),
    [([], ": download"), (["m.bin"], "; only pickles, which can run code: download")],
    ids=["empty", "pickles only"],
)
def test_component_without_safetensors_is_refused_in_one_line(tmp_path, files, words):
    folder = tmp_path / "model" / "unet"
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()
    with pytest.raises(WeightFileError, match=f"^No .safetensors file in model/unet{words}"):
        open_component(folder)
