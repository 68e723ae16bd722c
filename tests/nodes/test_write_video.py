from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
import torch

pytestmark = pytest.mark.comfy

FORMATS = {"film": "H.264 (mp4)", "other": "ProRes 422 HQ (mov)", "gif": "GIF"}
PICTURES = "PNG pictures, 8-bit"
PROMPT = {
    "1": {"class_type": "SVDStudioLoadModel", "inputs": {"model": "svd_xt.safetensors"}},
    "2": {"class_type": "SVDStudioWriteVideo", "inputs": {"frames": ["1", 0], "fps": 24}},
}


@pytest.fixture
def write(as_executed, tmp_path, monkeypatch):
    """write(**widgets): what SVD Write Video gives, with folders of its own."""
    import folder_paths
    from svd_studio.nodes.run_write import Graph, WriteSettings, write_in_output_folder

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path / "out"))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))
    graph = Graph(PROMPT, {"workflow": {"nodes": []}}, "2")
    widgets = {
        "format": FORMATS["film"], "fps": 24.0, "filename_prefix": "video/SVD", "quality": 80,
        "poster": "none", "metadata": True, "licence": "", "segment_frames": 4, "resume": True,
        "first_number": 1001,
    }  # fmt: skip

    def run(frames=None, audio=None, **changes):
        frames = torch.rand(6, 32, 48, 3) if frames is None else frames
        return write_in_output_folder(frames, audio, WriteSettings(**widgets | changes), graph)

    return run


def tags(path) -> dict:
    with av.open(str(path)) as container:
        return dict(container.metadata)


def test_film_is_a_video_with_its_path_and_report(write, tmp_path):
    video, path, report = write().args
    assert Path(path) == tmp_path / "out" / "video" / "SVD_00001.mp4"
    assert video.get_dimensions() == (48, 32)
    assert report.splitlines()[0].startswith("SVD_00001.mp4: 6 frames of 48x32 at 24 fps, ")


def test_core_reads_the_film_back(write):
    components = write().args[0].get_components()
    assert components.images.shape == (6, 32, 48, 3)
    assert components.frame_rate == 24


def test_graph_models_and_licence_are_in_the_film_and_can_be_left_out(write):
    told = tags(write(licence="© me").args[1])
    assert json.loads(told["prompt"]) == PROMPT
    assert json.loads(told["workflow"]) == {"nodes": []}
    assert (told["model"], told["copyright"]) == ("svd_xt.safetensors", "© me")
    assert not {"prompt", "workflow", "model"} & set(tags(write(metadata=False).args[1]))


@pytest.mark.parametrize("label", [PICTURES, FORMATS["gif"]])
def test_video_of_what_is_no_film_is_blocked(write, label):
    from comfy_execution.graph_utils import ExecutionBlocker

    video, path, _ = write(format=label).args
    assert isinstance(video, ExecutionBlocker)
    assert Path(path).exists()


@pytest.mark.parametrize(
    ("label", "kind", "name"),
    [
        (FORMATS["film"], "output", "SVD_00001.mp4"),
        (FORMATS["gif"], "output", "SVD_00001.gif"),
        (FORMATS["other"], "temp", ".jpg"),
        (PICTURES, "temp", ".jpg"),
    ],
)
def test_browser_is_shown_what_it_can_show(write, tmp_path, label, kind, name):
    told = write(format=label).ui
    (shown,) = told["svd_film" if kind == "output" else "images"]
    assert shown["type"] == kind
    assert shown["filename"].endswith(name)
    assert (tmp_path / ("out" if kind == "output" else kind) / shown["subfolder"]).is_dir()


@pytest.mark.parametrize(
    ("label", "names"),
    [
        (FORMATS["other"], ["video/SVD_00001.mov"]),
        (PICTURES, [f"video/SVD_00001/SVD.{n}.png" for n in (1001, 1002)] + ["SVD.json"]),
    ],
)
def test_scripts_are_told_what_no_browser_plays(write, tmp_path, label, names):
    told = write(torch.rand(2, 32, 48, 3), format=label).ui["files"]
    assert {file["type"] for file in told} == {"output"}
    files = [tmp_path / "out" / file["subfolder"] / file["filename"] for file in told]
    assert all(file.is_file() for file in files)
    found = sorted(file.relative_to(tmp_path / "out").as_posix() for file in files)
    assert all(any(file.endswith(name) for file in found) for name in names)
    assert len(found) == len(names)


@pytest.mark.parametrize(
    ("label", "place"),
    [
        (FORMATS["film"], "output/video/SVD_00001.mp4"),
        (FORMATS["gif"], "output/video/SVD_00001.gif"),
        (FORMATS["other"], "output/video/SVD_00001.mov"),
        (PICTURES, "output/video/SVD_00001"),
    ],
)
def test_player_is_told_what_was_written(write, label, place):
    given = write(torch.rand(3, 32, 48, 3), format=label, fps=23.976)
    (told,) = given.ui["svd_film"]
    assert (told["width"], told["height"], told["frames"]) == (48, 32, 3)
    assert told["fps"] == pytest.approx(24000 / 1001, abs=1e-12)
    assert told["written"] == place
    path = Path(given.args[1])
    assert told["bytes"] == sum(
        f.stat().st_size for f in (path.iterdir() if path.is_dir() else [path])
    )


@pytest.mark.parametrize("label", [FORMATS["film"], FORMATS["gif"]])
def test_front_end_does_not_show_a_second_player(write, label):
    assert not {"images", "animated", "video", "gifs"} & set(write(format=label).ui)


def test_player_is_told_of_sound(write):
    audio = {"waveform": torch.zeros(1, 2, 8000), "sample_rate": 16000}
    assert write(audio=audio).ui["svd_film"][0]["sound"]
    assert not write().ui["svd_film"][0]["sound"]


def test_rate_is_the_frames_own_or_has_to_be_said(write):
    from fractions import Fraction

    from svd_studio.nodes.frames import as_stream

    frames = torch.rand(3, 32, 48, 3)
    with pytest.raises(ValueError, match="Nobody has said how many frames a second"):
        write(frames, fps=0.0)
    known = as_stream(frames, Fraction(24000, 1001))
    with av.open(write(known, fps=0.0).args[1]) as container:
        assert container.streams.video[0].average_rate == Fraction(24000, 1001)


def test_cancelled_run_goes_on_when_it_is_queued_again(write, monkeypatch, tmp_path):
    import comfy.model_management as management

    frames = torch.rand(12, 32, 48, 3)
    asked = iter(range(10))

    def cancel():
        if next(asked) == 9:
            raise management.InterruptProcessingException

    real = management.throw_exception_if_processing_interrupted
    monkeypatch.setattr(management, "throw_exception_if_processing_interrupted", cancel)
    with pytest.raises(management.InterruptProcessingException):
        write(frames)
    monkeypatch.setattr(management, "throw_exception_if_processing_interrupted", real)
    path, report = write(frames).args[1:]
    assert "went on after 8 frames that were finished before" in report
    assert [Path(path)] == list(Path(path).parent.iterdir())


def test_sound_is_written(write):
    audio = {"waveform": torch.zeros(1, 2, 8000), "sample_rate": 16000}
    with av.open(write(audio=audio).args[1]) as container:
        assert len(container.streams.audio) == 1


def test_every_input_has_a_tooltip(core):
    from svd_studio.nodes.write_video import NODES

    for node in NODES:
        described = node.define_schema()
        assert all(each.tooltip for each in [*described.inputs, *described.outputs])
