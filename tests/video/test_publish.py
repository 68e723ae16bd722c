from __future__ import annotations

import errno
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from svd_studio.video.publish import publish, unfinished_file


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    if request.param == "no links":

        def refuse(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)


@pytest.fixture
def temp(tmp_path):
    path = tmp_path / ".temp"
    path.write_text("new")
    return path


@pytest.mark.usefixtures("links")
def test_published_file_has_only_its_final_name(temp, tmp_path):
    publish(temp, tmp_path / "final")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("final", "new")]


@pytest.mark.usefixtures("links")
def test_existing_file_is_never_replaced(temp, tmp_path):
    final = tmp_path / "final"
    final.write_text("old")
    with pytest.raises(FileExistsError, match=r"expected a free file name, got .*final"):
        publish(temp, final)
    assert (final.read_text(), temp.read_text()) == ("old", "new")


@pytest.mark.usefixtures("links")
def test_dangling_link_is_never_replaced(temp, tmp_path):
    final = tmp_path / "final"
    final.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        publish(temp, final)
    assert final.is_symlink()


@pytest.mark.usefixtures("links")
def test_one_of_many_wins_the_name(tmp_path):
    temps = [tmp_path / f".temp{number}" for number in range(8)]
    for path in temps:
        path.write_text(path.name)
    start = threading.Barrier(len(temps))

    def attempt(path: Path) -> Path | None:
        start.wait()
        try:
            publish(path, tmp_path / "final")
        except FileExistsError:
            return None
        return path

    with ThreadPoolExecutor(len(temps)) as pool:
        winners = [path for path in pool.map(attempt, temps) if path]
    assert [(tmp_path / "final").read_text()] == [path.name for path in winners]


def test_failed_replacement_leaves_no_placeholder(temp, tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError("in use by another process")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PermissionError):
        publish(temp, tmp_path / "final")
    assert list(tmp_path.iterdir()) == [temp]


def fail_halfway(folder: Path, error: BaseException) -> None:
    with unfinished_file(folder) as temp:
        temp.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_unfinished_file_is_removed_whatever_happens(tmp_path, error):
    with pytest.raises(error):
        fail_halfway(tmp_path, error())
    assert list(tmp_path.iterdir()) == []


def test_file_that_cannot_be_removed_does_not_hide_the_error(tmp_path, monkeypatch, caplog):
    def refuse(*_, **__):
        raise PermissionError("in use")

    monkeypatch.setattr(Path, "unlink", refuse)
    with caplog.at_level(logging.WARNING), pytest.raises(ZeroDivisionError):
        fail_halfway(tmp_path, ZeroDivisionError())
    assert "Could not remove the unfinished file" in caplog.text
