"""The picture that SVD Camera Keyframes shows in its editor."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

KEYFRAMES = '{"keyframes": [{"time": 0}]}'


@pytest.fixture
def execute(core):
    from svd_studio.nodes.camera import SVDCameraKeyframes

    return SVDCameraKeyframes.execute


@pytest.fixture
def temp(core, monkeypatch, tmp_path):
    """ComfyUI's folder for what is only looked at, while a server runs."""
    import folder_paths

    server = SimpleNamespace(PromptServer=SimpleNamespace(instance=object()))
    monkeypatch.setitem(sys.modules, "server", server)
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path))
    return tmp_path


def test_the_page_is_told_of_a_small_copy(execute, temp):
    picture = torch.rand(2, 600, 1200, 4)
    (told,) = execute(KEYFRAMES, picture).ui["svd_picture"]
    assert told["type"] == "temp"
    with Image.open(temp / told["filename"]) as shown:
        assert (shown.format, shown.size) == ("JPEG", (960, 480))


def test_the_same_picture_is_kept_once(execute, temp, photograph):
    assert execute(KEYFRAMES, photograph).ui == execute(KEYFRAMES, photograph).ui
    assert len(list(temp.iterdir())) == 1


def test_without_a_server_nothing_is_written(execute, monkeypatch, photograph):
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace())
    assert execute(KEYFRAMES, photograph).ui is None


def test_without_a_picture_there_is_nothing_to_show(execute, temp):
    assert execute(KEYFRAMES).ui is None
