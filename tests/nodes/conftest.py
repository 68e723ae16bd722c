"""What tests of the nodes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="module")
def conditioning(mini, photograph):
    """For 4 frames of 128x64: positive, negative and an empty latent."""
    from svd_studio.nodes.condition import SVDConditioning

    with torch.inference_mode():
        return SVDConditioning.execute(
            mini.image_encoder, mini.vae, photograph, 128, 64, 4, 127, 7, 0.02, 5, "cover",
            "whole picture (reference)",
        ).args  # fmt: skip


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sharing work this small between threads takes longer than doing it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
