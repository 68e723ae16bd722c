"""What tests of the nodes share."""

from __future__ import annotations

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
