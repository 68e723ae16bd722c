"""A file that one process holds at a time, and that is free again when the process is dead."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# What disks without locks say. On them two processes are not kept apart.
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)
# Windows locks bytes, and nobody can read a locked one: far behind the process number.
FAR = 1 << 30


class FileLock:
    """Tries to hold `path` for the block; `mine` says whether it could, `owner` else who does.

    The system's own lock, not the number in the file, decides: a number can belong to another
    process by now, and in containers every start has the same one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self.mine = False
        self.owner = ""

    def __enter__(self) -> FileLock:
        while not self.mine:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            if not _lock(self._file):
                self.owner = os.pread(self._file, 32, 0).decode() if hasattr(os, "pread") else ""
                self.release()
                break
            # The file may have been removed by its owner between opening and locking it.
            self.mine = self._is_there()
            if not self.mine:
                self.release()
        if self.mine:
            os.ftruncate(self._file, 0)
            os.write(self._file, str(os.getpid()).encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file))
        except FileNotFoundError:
            return False


def _lock(file: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(file, FAR, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in NO_LOCKS
    return True
