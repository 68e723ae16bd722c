from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from svd_studio.video.disk import DiskFullError
from svd_studio.video.write.formats import formats
from svd_studio.video.write.order import Order
from svd_studio.video.write.poster import Poster
from svd_studio.video.write.render import write_stream

from .streams import FILM, waves

H264, FFV1 = "H.264 (mp4)", "FFV1 16-bit RGB, lossless, keeps alpha (mkv)"
PNG, DEEP_PNG, GIF = "PNG pictures, 8-bit", "PNG pictures, 16-bit", "GIF"
SCRIPT = Path(__file__).with_name("render_to_be_killed.py")


def order(label=H264, **more) -> Order:
    return Order(formats()[label], FILM, segment_frames=8, **more)


def pictures(path: Path) -> list[bytes]:
    """Every frame of a film as bytes, or of a folder every file."""
    if path.is_dir():
        return [file.read_bytes() for file in sorted(path.iterdir()) if file.suffix != ".json"]
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("label", [H264, PNG, GIF])
def test_render_that_failed_goes_on_where_it_was(tmp_path, label):
    whole = write_stream(waves(30), order(label), tmp_path / "whole", "shot")
    folder = tmp_path / "cut"
    with pytest.raises(RuntimeError, match="cancelled"):
        write_stream(waves(30, fails_at=20), order(label), folder, "shot")
    assert len(hidden(folder)) == 1
    asked: list[int] = []
    film = write_stream(waves(30, asked=asked), order(label), folder, "another")
    first = 20 if label == PNG else 16
    assert asked == list(range(first, 30))
    assert film.found == first
    assert pictures(film.path) == pictures(whole.path)
    assert list(folder.iterdir()) == [film.path]


def test_without_a_finished_segment_nothing_is_left(tmp_path):
    with pytest.raises(RuntimeError, match="cancelled"):
        write_stream(waves(30, fails_at=5), order(), tmp_path, "shot")
    assert list(tmp_path.iterdir()) == []


def test_other_frames_or_settings_are_another_film(tmp_path):
    with pytest.raises(RuntimeError):
        write_stream(waves(30, fails_at=20), order(), tmp_path, "shot")
    assert write_stream(waves(30), order(quality=70), tmp_path, "shot").found == 0
    assert write_stream(waves(31), order(), tmp_path, "shot").found == 0
    assert write_stream(waves(30), order(), tmp_path, "shot").found == 16


def test_resume_switched_off_begins_anew(tmp_path):
    with pytest.raises(RuntimeError):
        write_stream(waves(30, fails_at=20), order(), tmp_path, "shot")
    film = write_stream(waves(30), order(resume=False), tmp_path, "shot")
    assert film.found == 0
    assert hidden(tmp_path) == []


def test_damaged_segment_is_made_again_and_only_that(tmp_path):
    whole = write_stream(waves(30), order(), tmp_path / "whole", "shot")
    with pytest.raises(RuntimeError):
        write_stream(waves(30, fails_at=26), order(), tmp_path, "shot")
    (segment,) = tmp_path.glob(".*/pieces/000001.mp4")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    asked: list[int] = []
    film = write_stream(waves(30, asked=asked), order(), tmp_path, "shot")
    assert [number for number in asked if number < 24] == list(range(8, 16))
    assert pictures(film.path) == pictures(whole.path)


def test_half_a_line_in_the_manifest_costs_one_segment(tmp_path):
    with pytest.raises(RuntimeError):
        write_stream(waves(30, fails_at=20), order(), tmp_path, "shot")
    (manifest,) = tmp_path.glob(".*/manifest.jsonl")
    text = manifest.read_text()
    assert json.loads(text.splitlines()[0])["made_by"] == "SVD Studio"
    manifest.write_text(text[:-20])
    assert write_stream(waves(30), order(), tmp_path, "shot").found == 8


def test_poster_that_came_by_before_the_crash_is_there(tmp_path):
    wanted = order(poster=Poster.FIRST)
    with pytest.raises(RuntimeError):
        write_stream(waves(30, fails_at=20), wanted, tmp_path, "shot")
    asked: list[int] = []
    film = write_stream(waves(30, asked=asked), wanted, tmp_path, "shot")
    assert min(asked) == 16
    assert film.poster == tmp_path / "shot_00001.jpg"


def test_poster_that_was_not_wanted_before_is_pulled(tmp_path):
    with pytest.raises(RuntimeError):
        write_stream(waves(30, fails_at=20), order(), tmp_path, "shot")
    film = write_stream(waves(30), order(poster=Poster.FIRST), tmp_path, "shot")
    assert film.found == 16
    assert film.poster.exists()


@pytest.mark.parametrize("label", [FFV1, DEEP_PNG])
def test_full_disk_keeps_what_is_finished_and_goes_on(mounted, label):
    disk = mounted("size=600k")
    (disk / "filler").write_bytes(b"x" * 400_000)
    stream = waves(40, *((192, 256) if label == DEEP_PNG else (24, 32)))
    with pytest.raises(DiskFullError, match=r"\d+ of 40 frames are finished and kept.* goes on"):
        write_stream(stream, order(label), disk, "shot")
    (disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
    film = write_stream(stream, order(label), disk, "shot")
    assert film.found > 0
    assert len(pictures(film.path)) == 40
    assert hidden(disk) == []


def start(folder: Path, label: str, seconds: float) -> subprocess.Popen:
    command = [sys.executable, str(SCRIPT), str(folder), label, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed_again_and_again(folder: Path, label: str, kills: int, seed: int) -> list[Path]:
    """Kill a render `kills` times at random moments of its work; returns the films that it made.

    A film that is finished before its render is killed is one of them, and the next begins anew.
    """
    moments, killed = random.Random(seed), 0
    while killed < kills:
        render = start(folder, label, 0.01)
        assert render.stdout.readline() == "at work\n"
        time.sleep(moments.uniform(0, 0.6))
        render.kill()
        killed += render.wait() == -signal.SIGKILL
    assert start(folder, label, 0).wait() == 0
    return sorted(path for path in folder.iterdir() if path not in hidden(folder))


@pytest.mark.parametrize("width", [64, 128, 192])
def test_same_frames_are_the_same_segment_every_time(tmp_path, width):
    """At other widths than multiples of 128, x264's macroblock tree reads past its memory."""
    films = {
        b"".join(pictures(write_stream(waves(8, 48, width), order(), tmp_path, "a").path))
        for _ in range(5)
    }
    assert len(films) == 1


def check_kills(tmp_path: Path, label: str, kills: int, seed: int) -> None:
    (tmp_path / "cut").mkdir()
    whole = write_stream(waves(120), order(label), tmp_path / "whole", "shot")
    films = killed_again_and_again(tmp_path / "cut", label, kills, seed)
    assert films
    assert all(pictures(film) == pictures(whole.path) for film in films)
    assert hidden(tmp_path / "cut") == []


@pytest.mark.parametrize("label", [H264, PNG])
def test_killed_render_gives_the_same_film(tmp_path, label):
    check_kills(tmp_path, label, 2, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("label", [H264, "ProRes 4444, keeps alpha (mov)"])
def test_render_killed_20_times_gives_the_same_film(tmp_path, label):
    check_kills(tmp_path, label, 20, seed=4)


def test_joined_film_has_the_frames_of_one_in_one_piece(tmp_path):
    """Without loss there is no difference at all, wherever the segments end."""
    cut = write_stream(waves(21), order(FFV1), tmp_path, "cut")
    one = write_stream(waves(21), replace(order(FFV1), segment_frames=100), tmp_path, "one")
    assert pictures(cut.path) == pictures(one.path)
    assert os.path.getsize(cut.path) > 0
    assert len({np.frombuffer(frame, np.uint8).sum() for frame in pictures(cut.path)}) == 21
