"""SVD Stabilise as ComfyUI runs it."""

from __future__ import annotations

import pytest
import torch
from svd_studio.video.stream import FrameStream

from ..video.pulls import film

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]


@pytest.fixture
def stabilise():
    from svd_studio.nodes.stabilise import SVDStabilise

    return lambda frames, method, strength=1.0: SVDStabilise.execute(frames, method, strength).args


def flow():
    from svd_studio.nodes.stabilise import FLOW

    return FLOW


def flicker(frames) -> float:
    frames = torch.stack(list(frames))
    return float((frames[1:] - frames[:-1]).abs().mean())


def test_images_come_out_as_a_stream_that_flickers_less(stabilise):
    frames = film(1, 64, 96).expand(8, -1, -1, -1)
    noise = torch.randn(8, 64, 96, 3, generator=torch.Generator().manual_seed(1))
    frames = (frames + 0.02 * noise).clamp(0, 1)
    stream, report = stabilise(frames, flow())
    assert isinstance(stream, FrameStream)
    assert stream.clip.count == 8
    assert flicker(stream.frames()) < 0.6 * flicker(frames)
    assert "stabilise: flow blend, strength 1" in report


def test_a_stream_is_taken_too(stabilise):
    frames = film(3, 20, 30)
    stream, _ = stabilise(frames, flow(), 0.0)
    again, _ = stabilise(stream, flow(), 0.0)
    assert len(again.steps) == 2
    assert all(map(torch.equal, again.frames(), frames))


def test_the_network_runs_where_core_loads_it(stabilise, temporalfix_file, monkeypatch):
    import folder_paths

    file = temporalfix_file("temporalfix-s2")
    known = {**folder_paths.folder_names_and_paths, "temporalfix": ([str(file.parent)], set())}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    frames = film(4, 40, 64)
    stream, report = stabilise(frames, file.name)
    steadied = list(stream.frames())
    assert len(steadied) == 4
    assert 0 < (torch.stack(steadied) - frames).abs().mean() < 0.05
    assert f"stabilise: {file.name}" in report
    assert stream.fingerprint() == stabilise(frames, file.name)[0].fingerprint()


def test_its_files_are_offered_where_core_knows_their_folder(monkeypatch, tmp_path):
    import folder_paths
    from svd_studio.nodes.stabilise import SVDStabilise, list_networks

    (tmp_path / "temporalfix_s1.pth").touch()
    without = {k: v for k, v in folder_paths.folder_names_and_paths.items() if k != "temporalfix"}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", without)
    assert list_networks() == []
    assert SVDStabilise.define_schema().inputs[1].options == [flow()]
    known = {**without, "temporalfix": ([str(tmp_path)], set())}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    assert list_networks() == ["temporalfix_s1.pth"]
