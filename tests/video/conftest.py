"""Films of a few small frames, and disks that are too small for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture
def noise() -> Callable[..., Iterator[torch.Tensor]]:
    """noise(count, height, width): seeded frames that H.264 cannot make small."""

    def frames(count: int, height: int = 48, width: int = 64) -> Iterator[torch.Tensor]:
        random = torch.Generator().manual_seed(7)
        for _ in range(count):
            yield torch.rand(height, width, 3, generator=random)

    return frames


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """mounted(options): a memory disk of 256 KiB, or a skip where this machine allows none."""
    disks: list[Path] = []

    def mount(options: str = "size=256k") -> Path:
        disk = tmp_path / f"disk{len(disks)}"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        if not sys.platform.startswith("linux"):
            pytest.skip("a memory disk needs Linux")
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a memory disk needs the right to mount: {error}")
        disks.append(disk)
        return disk

    yield mount
    for disk in disks:
        subprocess.run(["umount", str(disk)], check=True)
