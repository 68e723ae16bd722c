from __future__ import annotations

import json
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.pictures.kinds import EXR_HALF, PNG_16
from svd_studio.video.pictures.picture import write_picture
from svd_studio.video.pictures.sequence import Sequence, write_sidecar
from svd_studio.video.stream import Clip


def test_numbers_start_at_1001_as_editors_have_it(tmp_path):
    shot = Sequence(tmp_path, "shot", EXR_HALF, 25)
    assert shot.path(0) == tmp_path / "shot.1001.exr"
    assert shot.path(24) == tmp_path / "shot.1025.exr"
    assert (shot.last, shot.pattern) == (1025, "shot.%04d.exr")


@given(st.integers(0, 200_000), st.integers(1, 200_000), st.data())
def test_order_by_name_is_order_in_time(tmp_path_factory, first, count, data):
    shot = Sequence(tmp_path_factory.getbasetemp(), "shot", PNG_16, count, first)
    one, other = (data.draw(st.integers(0, count - 1)) for _ in range(2))
    assert (one < other) == (shot.path(one).name < shot.path(other).name)
    assert shot.path(one).name == shot.pattern % (first + one)
    assert len(shot.path(one).name.split(".")[1]) >= 4


def test_finished_frames_are_those_whose_files_are_whole(tmp_path):
    shot = Sequence(tmp_path / "new", "shot", PNG_16, 5)
    assert (shot.finished(), shot.first_unfinished()) == (set(), 0)
    shot.folder.mkdir()
    for frame in (0, 1, 3):
        write_picture(torch.zeros(2, 2, 3), shot.path(frame), PNG_16, {})
    (shot.folder / ".shot.1003.png.part").touch()
    (shot.folder / "shot.1099.png").touch()
    (shot.folder / "shot.1005.exr").touch()
    assert (shot.finished(), shot.first_unfinished()) == ({0, 1, 3}, 2)
    for frame in (2, 4):
        write_picture(torch.zeros(2, 2, 3), shot.path(frame), PNG_16, {})
    assert shot.first_unfinished() == 5
    assert not list(shot.folder.glob(".*"))


def test_sidecar_says_what_no_picture_says(tmp_path):
    shot = Sequence(tmp_path, "shot", EXR_HALF, 25)
    write_sidecar(shot, Clip(25, 5, 7, 4, Fraction(24000, 1001)), {"workflow": "{}"})
    assert json.loads((tmp_path / "shot.json").read_text()) == {
        "files": "shot.%04d.exr",
        "first": 1001,
        "last": 1025,
        "frames": 25,
        "rate": {"exact": "24000/1001", "fps": 24000 / 1001},
        "width": 7,
        "height": 5,
        "alpha": True,
        "bits": 16,
        "colours": "linear Rec.709",
        "metadata": {"workflow": "{}"},
    }


def test_sidecar_of_frames_without_a_rate_has_none(tmp_path):
    shot = Sequence(tmp_path, "shot", PNG_16, 1)
    write_sidecar(shot, Clip(1, 2, 2), {})
    assert json.loads(shot.sidecar.read_text())["rate"] is None


@pytest.mark.parametrize("frame", [-1, 5])
def test_frames_outside_have_no_file(tmp_path, frame):
    with pytest.raises(IndexError, match=rf"0\.\.4, got {frame}"):
        Sequence(tmp_path, "shot", PNG_16, 5).path(frame)


@pytest.mark.parametrize(("prefix", "count", "first"), [("a/b", 1, 1), ("a", 0, 1), ("a", 1, -1)])
def test_impossible_sequences_are_refused(tmp_path, prefix, count, first):
    with pytest.raises(ValueError, match="expected"):
        Sequence(tmp_path, prefix, PNG_16, count, first)
