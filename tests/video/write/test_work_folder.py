from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from svd_studio.video.write.file_lock import FileLock
from svd_studio.video.write.work_folder import clear_old_work, open_work_folder

HOLD = """
import sys, time
from pathlib import Path
from svd_studio.video.write.file_lock import FileLock
with FileLock(Path(sys.argv[1])) as lock:
    print(lock.mine, flush=True)
    time.sleep(60)
"""


def with_a_piece(folder, name):
    """Unfinished work with one finished piece."""

    def work():
        with open_work_folder(folder, name, True) as work:
            part = work.pieces_folder / "0.part"
            part.write_bytes(b"piece")
            work.finish(0, part, "0.mp4", 8)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    return folder / f".svd-studio-{name}.work"


def test_second_writer_of_one_film_is_told_who_the_first_is(tmp_path):
    message = rf"being written already, by process {os.getpid()}: wait"
    with open_work_folder(tmp_path, "a", True), pytest.raises(ValueError, match=message):
        open_work_folder(tmp_path, "a", True).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_lock_of_a_dead_process_is_free(tmp_path):
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline().strip() == "True"
    with FileLock(path) as lock:
        assert (lock.mine, lock.owner) == (False, str(holder.pid))
    holder.kill()
    holder.wait()
    with FileLock(path) as lock:
        assert lock.mine


def test_number_of_another_process_in_the_file_means_nothing(tmp_path):
    """In a container every ComfyUI is process 1, and so was the one that was killed."""
    (tmp_path / "lock").write_text(str(os.getpid()))
    with FileLock(tmp_path / "lock") as lock:
        assert lock.mine


def test_only_old_work_of_ours_is_cleared(tmp_path, caplog):
    old, new, held = (with_a_piece(tmp_path, name) for name in ("old", "new", "held"))
    foreign = tmp_path / ".svd-studio-foreign.work"
    foreign.mkdir()
    (foreign / "manifest.jsonl").write_text('{"made_by": "somebody"}\n')
    long_ago = time.time() - 15 * 86400
    for path in (old, held, foreign):
        os.utime(path / "manifest.jsonl", (long_ago, long_ago))
    with caplog.at_level("INFO"), FileLock(held / "lock"):
        clear_old_work(tmp_path)
    assert {path for path in (old, new, held, foreign) if path.exists()} == {new, held, foreign}
    assert "more than 14 days" in caplog.text


def test_strangers_in_the_folder_are_removed(tmp_path):
    path = with_a_piece(tmp_path, "a")
    (path / "pieces" / "1.mp4.part").write_text("half")
    (path / "pieces" / "1.mp4").write_text("not in the manifest")
    (path / "film.part").write_text("half")
    with open_work_folder(tmp_path, "a", True) as work:
        assert [piece.name for piece in work.in_order()] == ["0.mp4"]
        assert [file.name for file in work.pieces_folder.iterdir()] == ["0.mp4"]
        assert sorted(file.name for file in path.iterdir()) == ["lock", "manifest.jsonl", "pieces"]
    assert not path.exists()
