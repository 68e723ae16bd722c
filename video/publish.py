"""A file that is there as a whole or not at all, and never in place of another one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from .names import next_free_path

logger = logging.getLogger(__name__)


@contextmanager
def unfinished_file(folder: Path) -> Iterator[Path]:
    """The path of a hidden file for unfinished work in `folder`, removed however the block ends.

    The file itself is for the block to create. Its name is short whatever the film's name is, so
    that it fits wherever the film's own name fits.
    """
    temp = folder / f".svd-studio-{uuid4().hex}.part"
    try:
        yield temp
    finally:
        try:
            temp.unlink(missing_ok=True)
        except OSError as error:
            # Raising would hide why the block ended; the leftover is the smaller trouble.
            logger.warning("Could not remove the unfinished file %s: %s", temp, error)


def publish(temp: Path, final: Path) -> None:
    """Give the finished file `temp` its name `final`, in the same folder, in one step.

    Raises `FileExistsError` if `final` exists, even if it appeared a moment ago or is a dangling
    link; `temp` is then still there.
    """
    try:
        os.link(temp, final)
    except FileExistsError:
        raise name_taken(final) from None
    except OSError:
        # FAT, many network and container disks have no hard links, each with an errno of its own.
        _publish_without_links(temp, final)
    else:
        temp.unlink()


def publish_numbered(temp: Path, folder: Path, prefix: str, suffix: str) -> Path:
    """Give `temp` the next free numbered name in `folder` (see `next_free_path`), and return it.

    A folder goes there as a whole like a file.
    """
    put = _publish_folder if temp.is_dir() else publish
    while True:
        path = next_free_path(folder, prefix, suffix)
        try:
            put(temp, path)
        except FileExistsError:
            # Somebody else was faster. Their film is there now, so the next number is higher.
            continue
        return path


def _publish_folder(temp: Path, final: Path) -> None:
    final.mkdir()  # only one process can; from here on the name is ours
    try:
        os.rename(temp, final)
    except OSError:
        # Windows renames nothing to a name that is there, not even to an empty folder's.
        final.rmdir()
        os.rename(temp, final)


def _publish_without_links(temp: Path, final: Path) -> None:
    try:
        # Only one process can create the name; from here on it is ours to replace.
        os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise name_taken(final) from None
    replaced = False
    try:
        os.replace(temp, final)
        replaced = True
    finally:
        if not replaced:
            final.unlink(missing_ok=True)


def name_taken(final: Path) -> FileExistsError:
    return FileExistsError(
        f"expected a free file name, got {final} which exists: choose another name"
    )
