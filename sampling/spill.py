"""Memory in a file that has no name: gone with the last tensor that looks into it."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from .ladder import NotEnoughMemoryError

GIB = 2**30
BLOCK = 2**24  # bytes written at a time where the system cannot reserve space


def file_memory(size: int, folder: Path) -> Tensor:
    """`size` bytes (uint8) in a temporary file in `folder`, mapped into memory.

    The space is reserved here, for a full disk met later would end the process with SIGBUS.
    Raises NotEnoughMemoryError when the disk has no room.
    """
    try:
        with tempfile.TemporaryFile(prefix="svd_studio_", dir=folder) as file:
            _reserve(file, size)
            return torch.frombuffer(mmap.mmap(file.fileno(), size), dtype=torch.uint8)
    except OSError as error:
        free = shutil.disk_usage(folder).free
        raise NotEnoughMemoryError(
            f"Host memory is short, and {folder} has no room for {size / GIB:.1f} GiB of "
            f"activations ({free / GIB:.1f} GiB are free: {error.strerror}). Make room there, give "
            "ComfyUI another --temp-directory, close other programs, or choose a smaller size."
        ) from error


def _reserve(file: IO[bytes], size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        _write_zeros(file, size)


def _write_zeros(file: IO[bytes], size: int) -> None:
    zeros = bytes(BLOCK)
    for start in range(0, size, BLOCK):
        file.write(zeros[: size - start])
    file.flush()
