"""The hidden folder of an unfinished film: what is finished of it, and whose it is.

Its name comes from the fingerprint of the film, so that the same film asked for again finds it.
`manifest.jsonl` has a line about itself and then one for every finished piece; a piece is finished
when its file has its name and its line is on the disk.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..disk import clear_disk_errors
from ..fingerprint import file_fingerprint
from .encoder import flush_to_disk
from .file_lock import FileLock

logger = logging.getLogger(__name__)

OURS = {"made_by": "SVD Studio", "version": 1}
KEPT_DAYS = 14
PREFIX, SUFFIX = ".svd-studio-", ".work"


@dataclass(frozen=True)
class Piece:
    """A finished part of a film: `frames` of them of `size` bytes in the file `name`."""

    number: int
    name: str
    frames: int
    size: int
    hash: str


class WorkFolder:
    """Made by `open_work_folder`, which holds the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pieces_folder = path / "pieces"
        self._manifest = path / "manifest.jsonl"
        self.finished: dict[int, Piece] = {}

    def start(self, resume: bool) -> None:
        """Find what is finished and whole; everything else in the folder is removed."""
        with clear_disk_errors(self._manifest):
            self.pieces_folder.mkdir(exist_ok=True)
            if resume:
                self.finished = {
                    piece.number: piece for piece in self._told() if self._whole(piece)
                }
            self._remove_strangers()
            lines = [OURS, *(asdict(piece) for piece in self.finished.values())]
            temp = self._manifest.with_suffix(".part")
            temp.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
            flush_to_disk(temp)
            os.replace(temp, self._manifest)

    def piece_path(self, piece: Piece) -> Path:
        return self.pieces_folder / piece.name

    def finish(self, number: int, unfinished: Path, name: str, frames: int) -> None:
        """Give the piece in the file `unfinished`, which is on the disk, its name and its line."""
        size, digest = unfinished.stat().st_size, file_fingerprint(unfinished)
        piece = Piece(number, name, frames, size, digest)
        with clear_disk_errors(self._manifest):
            os.replace(unfinished, self.piece_path(piece))
            with self._manifest.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(piece))}\n")
                file.flush()
                os.fsync(file.fileno())
        self.finished[number] = piece

    def in_order(self) -> list[Piece]:
        return [self.finished[number] for number in sorted(self.finished)]

    def _told(self) -> Iterator[Piece]:
        if is_ours(self.path):
            for line in self._manifest.read_text(encoding="utf-8").splitlines()[1:]:
                # The last line of a machine that lost its power may be half a line.
                with suppress(ValueError, TypeError):
                    yield Piece(**json.loads(line))

    def _whole(self, piece: Piece) -> bool:
        path = self.piece_path(piece)
        is_there = path.is_file() and path.stat().st_size == piece.size
        return is_there and file_fingerprint(path) == piece.hash

    def _remove_strangers(self) -> None:
        known = {piece.name for piece in self.finished.values()}
        for file in self.pieces_folder.iterdir():
            if file.name not in known:
                file.unlink()
        for file in self.path.iterdir():
            if file.is_dir() and file != self.pieces_folder:
                shutil.rmtree(file)
            elif file.suffix == ".part":
                file.unlink()


@contextmanager
def open_work_folder(folder: Path, fingerprint: str, resume: bool) -> Iterator[WorkFolder]:
    """The folder for unfinished work on one film in `folder`, for nobody else at the same time.

    After the block it is gone; after an error it stays if a piece is finished. Not to `resume`
    means to begin anew. Raises ValueError if another process is at work on the same film.
    """
    path = folder / f"{PREFIX}{fingerprint}{SUFFIX}"
    with clear_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    with _owned(path) as lock:
        work = WorkFolder(path)
        done = False
        try:
            work.start(resume)
            yield work
            done = True
        finally:
            if done or not work.finished:
                _remove(path, lock)
            else:
                _remove_unfinished(work)


def clear_old_work(folder: Path, days: float = KEPT_DAYS) -> None:
    """Remove the work on films in `folder` that nobody went on with for `days`."""
    oldest = time.time() - days * 86400
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        manifest = path / "manifest.jsonl"
        if not is_ours(path) or manifest.stat().st_mtime > oldest:
            continue
        with FileLock(path / "lock") as lock:
            if lock.mine:
                logger.info("Removing unfinished work of more than %g days: %s", days, path)
                _remove(path, lock)


def is_ours(path: Path) -> bool:
    """Whether the folder has a manifest of this version."""
    try:
        with (path / "manifest.jsonl").open(encoding="utf-8") as file:
            return json.loads(file.readline()) == OURS
    except (OSError, ValueError):
        return False


@contextmanager
def _owned(path: Path) -> Iterator[FileLock]:
    with FileLock(path / "lock") as lock:
        if not lock.mine:
            raise ValueError(
                f"This film is being written already, by process {lock.owner or 'unknown'}: wait "
                "until it is finished, or change a setting to get another film."
            )
        yield lock


def _remove(path: Path, lock: FileLock) -> None:
    lock.release()  # Windows removes no open files
    try:
        shutil.rmtree(path)
    except OSError as error:
        logger.warning("Could not remove the unfinished work %s: %s", path, error)


def _remove_unfinished(work: WorkFolder) -> None:
    for file in [*work.path.glob("*.part"), *work.pieces_folder.glob("*.part")]:
        with suppress(OSError):
            file.unlink()
