"""Whole films of the miniature through budgets and failing allocations: none may differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import comfy.utils
import torch
from bench_report import Row
from svd_studio.dev.short_memory import ShortMemory
from svd_studio.models.loader import load_svd
from svd_studio.models.sources import MINI, open_svd
from svd_studio.nodes.condition import SVDConditioning
from svd_studio.nodes.decode import SVDDecode
from svd_studio.nodes.memory import SVDMemoryPlan
from svd_studio.nodes.sample import SVDSampler

BUDGETS = (1.0, 2.0, 4.0, 8.0, 1024.0)  # GiB
LARGE = 2**20  # bytes
STRIDE = 7  # every seventh large allocation fails once; the tests take every one

Film = Callable[[float], torch.Tensor]


def films() -> Iterator[Row]:
    film = film_of_the_miniature()
    reference = film(0.0)
    worst = max(code_difference(film(budget), reference) for budget in BUDGETS)
    yield Row("film through budgets of 1, 2, 4, 8, 1024 GiB: codes", "/255", None, worst, 0)
    with ShortMemory(LARGE) as counted:
        film(0.0)
    worst = 0.0
    for number in range(0, counted.count, STRIDE):
        with ShortMemory(LARGE, {number}):
            worst = max(worst, code_difference(film(0.0), reference))
    yield Row("film after failed allocations: codes", "/255", None, worst, 0)


def film_of_the_miniature() -> Film:
    """A function from a budget in GiB to 8-bit frames (T, H, W, 3)."""
    comfy.utils.set_progress_bar_enabled(False)  # a hundred bars would bury the table
    svd = load_svd(open_svd(MINI), "fp32")
    picture = torch.rand(1, 64, 128, 3, generator=torch.Generator().manual_seed(0))
    conditioning = SVDConditioning.execute(
        svd.image_encoder, svd.vae, picture, 128, 64, 8, 127, 7, 0.02, 5, "cover",
        "whole picture (reference)",
    ).args  # fmt: skip

    def film(gib: float) -> torch.Tensor:
        model, _ = SVDMemoryPlan.execute(svd.model, gib).args
        settings = (7, 3, "karras", "euler", 0.0, 0.0, 2.5, True)
        latent, _ = SVDSampler.execute(model, *conditioning, *settings).args
        frames, _ = SVDDecode.execute(svd.vae, latent, "exact", gib).args
        return (frames * 255).round()

    return film


def code_difference(film: torch.Tensor, reference: torch.Tensor) -> float:
    return float((film - reference).abs().max())
