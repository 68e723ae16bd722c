"""Frames that are made once and read as often as one likes, kept in a file and not in memory."""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from ..disk import DiskFullError, clear_disk_errors
from ..stream import Clip

GIB = 2**30


class Spool:
    """What `make` yields, `clip.count` frames (H, W, C), as float32 in a file in `folder`.

    `make` is run at the first pull, to its end, so that nothing it holds is still there when the
    frames are used; if it fails, the next pull runs it again. The file has no name where the
    system allows it, and goes with this object, or with the process.

    Plain reads and writes: pages of a mapped file would count as this process's memory.
    """

    def __init__(self, clip: Clip, make: Callable[[], Iterator[Tensor]], folder: Path) -> None:
        self.clip = clip
        self._make = make
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def frames(self, start: int) -> Iterator[Tensor]:
        """From number `start` on, on the CPU.

        Raises DiskFullError where the folder has no room for all frames, ValueError where `make`
        yields other frames than `clip` says, and whatever `make` raises.
        """
        with self._lock:
            if self._file is None:
                self._file = self._filled()
                weakref.finalize(self, self._file.close)
        for number in range(start, self.clip.count):
            yield self._read(number)

    def _filled(self) -> IO[bytes]:
        self._check_room()
        self._folder.mkdir(parents=True, exist_ok=True)
        with clear_disk_errors(self._folder / "frames"):
            file = tempfile.TemporaryFile(  # noqa: SIM115 - it stays open as long as this object
                prefix="svd_studio_", dir=self._folder, buffering=0
            )
        with ExitStack() as unless_written:
            unless_written.callback(file.close)
            self._write(file)
            unless_written.pop_all()
        return file

    def _write(self, file: IO[bytes]) -> None:
        shape = (self.clip.height, self.clip.width, self.clip.channels)
        count = 0
        with closing(self._make()) as frames:
            for frame in frames:
                if frame.shape != shape or count == self.clip.count:
                    raise self._unlike(count, frame)
                pixels = memoryview(frame.float().cpu().contiguous().numpy()).cast("B")
                with clear_disk_errors(self._folder / "frames"):
                    while pixels:
                        pixels = pixels[file.write(pixels) :]
                count += 1
        if count != self.clip.count:
            raise ValueError(f"Expected {self.clip.describe()}, got only {count} of them.")

    def _unlike(self, number: int, frame: Tensor) -> ValueError:
        return ValueError(
            f"Expected {self.clip.describe()}, got frame {number} of {tuple(frame.shape)}."
        )

    def _check_room(self) -> None:
        need = self.clip.count * self.clip.frame_bytes
        folder = next(f for f in (self._folder, *self._folder.parents) if f.exists())
        free = shutil.disk_usage(folder).free
        if need > free:
            raise DiskFullError(
                f"{self.clip.describe()} wait in {folder}, which takes {need / GIB:.1f} GiB, and "
                f"{free / GIB:.1f} GiB are free: make room there, or give ComfyUI another "
                "--temp-directory.",
                errno.ENOSPC,
            )

    def _read(self, number: int) -> Tensor:
        clip = self.clip
        pixels = np.empty((clip.height, clip.width, clip.channels), np.float32)
        rest = memoryview(pixels).cast("B")
        with self._lock:  # the file has one position for all who read
            self._file.seek(number * clip.frame_bytes)
            while rest:
                rest = rest[self._file.readinto(rest) :]
        return torch.from_numpy(pixels)
