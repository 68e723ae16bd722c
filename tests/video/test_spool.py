"""Frames that wait in a file: made once, read from anywhere, gone with their object."""

from __future__ import annotations

import gc
import os
import threading
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.disk import DiskFullError
from svd_studio.video.sources.spool import Spool
from svd_studio.video.stream import Clip

FRAMES = torch.randn(7, 4, 5, 3, generator=torch.Generator().manual_seed(1))
CLIP = Clip(7, 4, 5)


class Made:
    """A maker of frames that counts how often it was asked, and fails as often as it is told."""

    def __init__(self, frames=FRAMES, fails: int = 0) -> None:
        self.frames, self.fails, self.calls = frames, fails, 0

    def __call__(self):
        self.calls += 1
        for number, frame in enumerate(self.frames):
            if number == 3 and self.calls <= self.fails:
                raise RuntimeError("cancelled")
            yield frame


def read(spool, start=0):
    return torch.stack(list(spool.frames(start)))


def test_nothing_is_made_before_the_first_pull_and_all_of_it_once(tmp_path):
    made = Made()
    spool = Spool(CLIP, made, tmp_path)
    assert made.calls == 0
    assert torch.equal(read(spool), FRAMES)
    for start in range(7):
        assert torch.equal(read(spool, start), FRAMES[start:])
    assert list(spool.frames(7)) == []
    assert made.calls == 1


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_pulls_that_go_on_side_by_side_do_not_disturb_each_other(starts):
    spool = Spool(CLIP, Made(), Path(os.environ.get("TMPDIR", "/tmp")))
    pulls = [(start, spool.frames(start)) for start in starts]
    for step in range(7):
        for start, frames in pulls:
            frame = next(frames, None)
            assert (frame is None) == (start + step >= 7)
            assert frame is None or torch.equal(frame, FRAMES[start + step])


def test_threads_that_pull_at_once_make_the_film_once(tmp_path):
    made, found = Made(), []
    spool = Spool(CLIP, made, tmp_path)
    pulls = [threading.Thread(target=lambda: found.append(read(spool))) for _ in range(4)]
    for thread in pulls:
        thread.start()
    for thread in pulls:
        thread.join()
    assert made.calls == 1
    assert all(torch.equal(a, b) for a, b in pairwise([FRAMES, *found]))
    assert len(found) == 4


def test_a_film_that_failed_is_made_again(tmp_path):
    made = Made(fails=1)
    spool = Spool(CLIP, made, tmp_path)
    with pytest.raises(RuntimeError, match="cancelled"):
        read(spool)
    assert open_files(tmp_path) == 0
    assert torch.equal(read(spool), FRAMES)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES[:6], "got only 6"),
        (torch.cat([FRAMES, FRAMES]), r"got frame 7 of \(4, 5, 3\)"),
        (FRAMES[:, :3], r"got frame 0 of \(3, 5, 3\)"),
    ],
    ids=["short", "long", "small"],
)
def test_other_frames_than_were_told_are_refused(tmp_path, frames, message):
    with pytest.raises(ValueError, match=message):
        read(Spool(CLIP, Made(frames), tmp_path))


def open_files(folder) -> int:
    gc.collect()
    return sum(file.path.startswith(str(folder)) for file in psutil.Process().open_files()) + len(
        list(folder.iterdir())
    )


def deleted_files(folder) -> int:
    """Files in `folder` without a name that this process has open, on Linux."""
    gc.collect()
    links = Path("/proc/self/fd")
    if not links.exists():
        pytest.skip("looks into /proc")
    found = [os.readlink(link) for link in links.iterdir() if link.is_symlink()]
    return sum(target.startswith(str(folder)) for target in found)


def test_the_file_has_no_name_and_goes_with_the_object(tmp_path):
    spool = Spool(CLIP, Made(), tmp_path)
    frames = spool.frames(0)
    next(frames)
    assert deleted_files(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    del spool
    assert deleted_files(tmp_path) == 1  # somebody still reads
    del frames
    assert deleted_files(tmp_path) == 0


def test_a_disk_without_room_is_said_before_anything_is_made(tmp_path):
    made = Made()
    with pytest.raises(DiskFullError, match=r"1000000000 frames .* GiB are free: make room"):
        next(Spool(Clip(10**9, 4096, 4096), made, tmp_path / "new").frames(0))
    assert made.calls == 0


def test_a_disk_that_fills_up_is_named(mounted):
    disk = mounted("size=1m")
    frames = torch.zeros(7, 100, 120, 3)

    def make():
        yield frames[0]
        (disk / "filler").write_bytes(bytes(2**19 + 2**18))
        yield from frames[1:]

    with pytest.raises(DiskFullError, match="full disk"):
        read(Spool(Clip(7, 100, 120), make, disk))
    assert [path.name for path in disk.iterdir()] == ["filler"]


def test_memory_stays_at_a_frame(tmp_path):
    """50 frames of 2 MiB: writing and reading them grows the process by a few frames at most."""
    height, width = 512, 341

    def make():
        for number in range(50):
            yield torch.full((height, width, 3), float(number))

    spool = Spool(Clip(50, height, width), make, tmp_path)
    process = psutil.Process()
    for _ in spool.frames(45):
        pass
    before = process.memory_info().rss
    most = max(process.memory_info().rss for _ in spool.frames(0))
    assert most - before < 16 * 2**20
