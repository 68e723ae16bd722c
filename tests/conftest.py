"""What tests of several rooms share: ComfyUI in this process, and the miniature loaded into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings
from svd_studio.models.sources import MINI, open_svd

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
