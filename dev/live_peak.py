"""Activation peaks without a GPU: what counts them, and attention that takes what flash takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from svd_studio.training.live_tensors import LivePeak, NewTensors

__all__ = ["LivePeak", "NewTensors", "linear_attention"]


@contextlib.contextmanager
def linear_attention() -> Iterator[None]:
    """Inside the block attention allocates its output alone, as flash attention does."""
    from unittest.mock import patch

    import comfy.ldm.modules.attention as attention
    import comfy.ldm.modules.diffusionmodules.model as autoencoder

    def unet_attention(q, k, v, heads, mask=None, **options):  # noqa: ANN001, ANN003, ANN202
        if options.get("skip_reshape"):
            q = q.new_empty(q.shape[0], q.shape[2], q.shape[1] * q.shape[3])
        return torch.empty_like(q)

    with contextlib.ExitStack() as stack:
        for name in ("optimized_attention", "optimized_attention_masked"):
            stack.enter_context(patch.object(attention, name, unet_attention))
        stack.enter_context(
            patch.object(autoencoder, "vae_attention", lambda: lambda q, k, v: torch.empty_like(v))
        )
        yield
