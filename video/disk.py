"""Errors of the disk in words that say which folder, how much room, and what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A full disk, and a used-up quota where the platform has quotas.
NO_ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


class DiskFullError(OSError):
    """There is no room left; `errno` tells a full disk from a used-up quota."""

    def __init__(self, message: str, code: int) -> None:
        # One argument keeps "[Errno 28]" out of the message; handlers still find the number.
        super().__init__(message)
        self.errno = code


@contextmanager
def clear_disk_errors(file: Path, what: str = "the film") -> Iterator[None]:
    """Say it plainly when writing `what` to `file` fails for want of room or of permission.

    Raises `DiskFullError` or `PermissionError`; every other error passes unchanged. Wrap only the
    writing: an error of whatever makes the frames would be blamed on the wrong folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFullError(_full(file, what), error.errno) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PermissionError(
                f"expected a folder that ComfyUI may write to, got {file.parent} "
                f"({error.strerror}): change its permissions or save to another folder"
            ) from error
        raise


def _full(file: Path, what: str) -> str:
    folder = file.parent
    written = file.stat().st_size if file.exists() else 0
    free = shutil.disk_usage(folder).free
    return (
        f"expected room for {what} in {folder}, got a full disk or quota after {_size(written)} "
        f"of it ({_size(free)} free): make room there or save to another folder"
    )


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"
