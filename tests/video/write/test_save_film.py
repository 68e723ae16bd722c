from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import pytest
from svd_studio.video import publish
from svd_studio.video.disk import DiskFullError
from svd_studio.video.write.writer import save_film, write_h264


def save(frames, folder, metadata=None):
    return save_film(frames, folder, "shot", Fraction(24), 80, metadata or {})


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def interrupted(frames, error):
    yield from frames
    raise error


def test_films_are_numbered_and_the_folder_is_made(tmp_path, noise):
    folder = tmp_path / "new" / "Überblick 日本"
    names = [save(noise(2), folder).path.name for _ in range(2)]
    assert names == ["shot_00001.mp4", "shot_00002.mp4"]
    assert sorted(os.listdir(folder)) == names


def test_threads_under_one_prefix_get_a_film_each(tmp_path, noise):
    start = threading.Barrier(6)

    def one(count: int):
        start.wait()
        return save(noise(count), tmp_path)

    with ThreadPoolExecutor(6) as pool:
        films = list(pool.map(one, range(1, 7)))
    assert sorted(film.path for film in films) == sorted(tmp_path.iterdir())
    assert [frames_in(film.path) for film in films] == [1, 2, 3, 4, 5, 6]


def test_name_taken_at_the_last_moment_moves_on(tmp_path, noise, monkeypatch):
    """Somebody takes the number between looking for it and publishing."""
    look = publish.next_free_path

    def robbed(folder, prefix, suffix):
        path = look(folder, prefix, suffix)
        if path.name == "shot_00001.mp4":
            path.write_text("theirs")
        return path

    monkeypatch.setattr(publish, "next_free_path", robbed)
    assert save(noise(1), tmp_path).path.name == "shot_00002.mp4"
    assert (tmp_path / "shot_00001.mp4").read_text() == "theirs"


def test_existing_film_is_refused_before_the_first_frame(tmp_path):
    def never():
        pytest.fail("a frame was asked for")
        yield

    path = tmp_path / "a.mp4"
    path.write_text("old")
    with pytest.raises(FileExistsError, match="expected a free file name"):
        write_h264(never(), path, Fraction(24), 80, {})
    assert path.read_text() == "old"


def test_film_that_appears_meanwhile_is_not_overwritten(tmp_path, noise):
    path = tmp_path / "a.mp4"

    def frames():
        yield from noise(2)
        path.write_text("theirs")

    with pytest.raises(FileExistsError, match="expected a free file name"):
        write_h264(frames(), path, Fraction(24), 80, {})
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize("made", [0, 1, 60], ids=["at once", "early", "late"])
@pytest.mark.parametrize(
    "error",
    [RuntimeError("out of memory"), KeyboardInterrupt(), OSError(errno.ENOSPC, "swap is full")],
    ids=["error", "ctrl-c", "their disk"],
)
def test_error_between_frames_passes_and_nothing_is_left(tmp_path, noise, made, error):
    with pytest.raises(type(error)) as caught:
        save(interrupted(noise(made), error), tmp_path)
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("made", [150, 25], ids=["while encoding", "while closing"])
def test_full_disk_is_named_and_left_clean(mounted, noise, made):
    """tmpfs of 256 KiB: 150 frames do not fit; 25 do until the index, which is 250 kB, goes in."""
    disk = mounted()
    with pytest.raises(DiskFullError) as caught:
        save(noise(made), disk, {"workflow": "x" * 250_000})
    message = str(caught.value)
    assert message.startswith(f"expected room for the film in {disk}, got a full disk")
    assert message.endswith("make room there or save to another folder")
    assert caught.value.errno == errno.ENOSPC
    assert list(disk.iterdir()) == []


def test_full_disk_has_room_for_a_shorter_film_afterwards(mounted, noise):
    disk = mounted()
    with pytest.raises(DiskFullError):
        save(noise(150), disk)
    assert frames_in(save(noise(10), disk).path) == 10


def test_error_on_a_full_disk_is_not_hidden_by_the_disk(mounted, noise):
    disk = mounted()

    def frames():
        yield from noise(2)
        (disk / "filler").write_bytes(b"x" * (256 * 1024 - os.stat(disk).st_blksize * 2))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(frames(), disk)
    assert [path.name for path in disk.iterdir()] == ["filler"]


def test_write_protected_folder_is_named(mounted, noise):
    disk = mounted("ro,size=256k")
    with pytest.raises(PermissionError, match=rf"may write to, got {disk} .*permissions"):
        save(noise(1), disk)
