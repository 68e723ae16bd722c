from __future__ import annotations

import logging

import av
import pytest
import torch

pytestmark = pytest.mark.comfy

CONDITIONING = {"class_type": "SVDStudioConditioning", "inputs": {"fps": 12}}
SAMPLER = {"class_type": "SVDStudioSampler", "inputs": {"positive": ["3", 0], "latent": ["3", 2]}}
DECODE = {"class_type": "SVDStudioDecode", "inputs": {"vae": ["1", 2], "latent": ["5", 0]}}
PROMPT = {"1": {"class_type": "Loader", "inputs": {}}, "3": CONDITIONING, "5": SAMPLER, "6": DECODE}


@pytest.fixture
def preview(core, tmp_path, monkeypatch):
    """preview(frames, ...): what the player is told; the film is in tmp_path."""
    import folder_paths
    from svd_studio.nodes.film_preview import preview_film

    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))

    def run(*arguments):
        return preview_film(*arguments)

    return run


def test_preview_is_a_film_in_the_temp_folder(preview, tmp_path):
    (told,) = preview(torch.rand(5, 36, 64, 3))["svd_film"]
    assert (told["type"], told["subfolder"]) == ("temp", "")
    with av.open(str(tmp_path / "temp" / told["filename"])) as film:
        assert sum(1 for _ in film.decode(video=0)) == 5


def test_facts_are_of_the_frames_and_not_of_the_preview(preview, tmp_path):
    (told,) = preview(torch.rand(2, 501, 1001, 3))["svd_film"]
    assert (told["width"], told["height"], told["frames"], told["fps"]) == (1001, 501, 2, 7.0)
    file = tmp_path / "temp" / told["filename"]
    assert told["bytes"] == file.stat().st_size
    with av.open(str(file)) as film:
        assert film.streams.video[0].width == 768


def test_rate_is_what_the_model_was_told(preview):
    frames = torch.rand(2, 16, 16, 3)
    assert preview(frames, PROMPT, "6")["svd_film"][0]["fps"] == 12.0
    assert preview(frames, PROMPT, "1")["svd_film"][0]["fps"] == 7.0


def test_rate_is_found_from_inside_a_subgraph_and_the_nearest_counts():
    from svd_studio.nodes.film_preview import told_rate

    far = {"class_type": "SVDStudioConditioning", "inputs": {"fps": 30}}
    near = {"class_type": "SVD_img2vid_Conditioning", "inputs": {"fps": 6, "init_image": ["9", 0]}}
    graph = {
        "9": {"class_type": "Decoded", "inputs": {"x": ["8", 0]}},
        "8": far,
        "2:3": near,
        "2:6": {"class_type": "SVDStudioDecode", "inputs": {"latent": ["2:3", 0]}},
    }
    assert told_rate(graph, "2:6") == 7


@pytest.mark.parametrize("fps", [["4", 0], 0, -1, "seven", 100_000])
def test_rate_that_is_none_is_not_taken(core, fps):
    from svd_studio.nodes.film_preview import told_rate

    graph = {
        "3": {"class_type": "SVDStudioConditioning", "inputs": {"fps": fps}},
        "6": {"class_type": "SVDStudioDecode", "inputs": {"latent": ["3", 0]}},
    }
    assert told_rate(graph, "6") is None
    assert (
        told_rate({"6": {"class_type": "X", "inputs": {"a": ["6", 0], "b": ["gone", 0]}}}, "6")
        is None
    )


def test_preview_that_fails_is_a_warning_and_nothing_more(preview, tmp_path, caplog):
    (tmp_path / "temp").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        assert preview(torch.rand(2, 16, 16, 3)) is None
    assert "made no preview of 2 frames" in caplog.text


def test_camera_preview_shows_its_film(preview, as_executed):
    from svd_studio.nodes.camera_preview import SVDCameraPreview
    from svd_studio.sampling.camera import Pose, straight

    shown = SVDCameraPreview.execute(torch.rand(1, 64, 128, 3), straight(Pose(pan=5.0)), 3, 64, 0)
    (told,) = shown.ui["svd_film"]
    assert (told["width"], told["height"], told["frames"]) == (64, 32, 3)


def test_decode_shows_its_film(preview, as_executed, mini):
    from svd_studio.nodes.decode import SVDDecode

    frames, _ = (given := SVDDecode.execute(mini.vae, {"samples": torch.randn(2, 4, 4, 6)})).args
    (told,) = given.ui["svd_film"]
    assert (told["frames"], told["height"], told["width"]) == tuple(frames.shape[:3])
