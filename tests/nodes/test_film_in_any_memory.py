"""Promise 1: same seed, same film, through every budget and after every failed allocation."""

from __future__ import annotations

import pytest
import torch
from svd_studio.dev.short_memory import ShortMemory
from svd_studio.sampling.ladder import NotEnoughMemoryError

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

LARGE = 2**19  # bytes


@pytest.fixture
def film(mini, conditioning):
    """Sample and decode through the nodes, in 8-bit codes; `gib` limits both."""
    from svd_studio.nodes.decode import SVDDecode
    from svd_studio.nodes.memory import SVDMemoryPlan
    from svd_studio.nodes.sample import SVDSampler

    def film(gib=0.0):
        model, _ = SVDMemoryPlan.execute(mini.model, gib).args
        latent, _ = SVDSampler.execute(
            model, *conditioning, 7, 2, "karras", "euler", 0.0, 0.0, 2.5, True
        ).args
        frames, _ = SVDDecode.execute(mini.vae, latent, "exact", gib).args
        return (frames * 255).round().to(torch.uint8)

    return film


@pytest.mark.parametrize("gib", [0.06, 1, 2, 4, 8])
def test_every_budget_gives_the_same_film(film, gib):
    assert torch.equal(film(gib), film())


def test_memory_that_runs_out_anywhere_gives_the_same_film(film):
    whole = film()
    with ShortMemory(LARGE) as counter:
        film()
    assert counter.count > 50
    for fail_at in range(counter.count):
        with ShortMemory(LARGE, {fail_at}):
            assert torch.equal(film(), whole), fail_at


def test_too_little_memory_is_a_message_and_harms_no_later_run(film):
    whole = film()
    with ShortMemory(LARGE, limit=2**14), pytest.raises(NotEnoughMemoryError, match="GiB"):
        film()
    assert torch.equal(film(), whole)
