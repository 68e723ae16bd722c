"""Group norm over a clip from moments of its pieces, against the norm of the whole."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling import clip_norm as module
from svd_studio.sampling.clip_norm import clip_norm, frame_norm_silu, moments, norm_silu
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

GROUPS, CHANNELS = 4, 8


def clip_of(mean, spread, dtype=torch.float32, seed=0):
    noise = torch.randn(5, CHANNELS, 6, 7, generator=torch.Generator().manual_seed(seed))
    return (noise * spread + mean).to(dtype)


def norm_of(seed=1):
    norm, generator = nn.GroupNorm(GROUPS, CHANNELS), torch.Generator().manual_seed(seed)
    nn.init.uniform_(norm.weight, 0.5, 1.5, generator=generator)
    nn.init.uniform_(norm.bias, -1, 1, generator=generator)
    return norm.requires_grad_(False)


@given(st.integers(1, 5), st.sampled_from([1, 50, 84, 200, 10**6]), st.booleans())
def test_moments_of_pieces_make_those_of_the_whole(frames_a_piece, piece, large_mean):
    clip = clip_of(*((1000.0, 0.1) if large_mean else (0.5, 2.0)))
    with patch.object(module, "PIECE", piece):
        parts = [moments(part, GROUPS) for part in clip.split(frames_a_piece)]
    norm = nn.GroupNorm(GROUPS, CHANNELS, eps=0.0)
    found = clip_norm(norm, parts)
    rows = clip.double().view(5, GROUPS, -1).movedim(1, 0).reshape(GROUPS, -1)
    variance, mean = torch.var_mean(rows, 1, correction=0)
    rate = found.scale.double().view(GROUPS, -1)[:, 0]
    assert_close(rate, variance.rsqrt(), rtol=1e-4, atol=0)
    assert_close(-found.shift.double().view(GROUPS, -1)[:, 0] / rate, mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "close"), [(torch.float32, 1e-5), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)]
)
@pytest.mark.parametrize("piece", [100, 10**6])
def test_norm_of_a_clip_is_that_of_one_volume(dtype, close, piece):
    clip, norm = clip_of(0.3, 1.5, dtype), norm_of()
    with patch.object(module, "PIECE", piece):
        known = clip_norm(norm, [moments(clip, GROUPS)])
        found = norm_silu(clip.movedim(1, 0), known, out=torch.empty_like(clip).movedim(1, 0))
    volume = F.silu(norm(clip.float().movedim(1, 0)[None]))[0]
    assert_close(found.float(), volume, rtol=close, atol=close)


@pytest.mark.parametrize("piece", [1, 200, 10**6])
def test_norm_of_frames_is_that_of_each(piece):
    clip, norm = clip_of(0.3, 1.5), norm_of()
    expected = F.silu(norm(clip))
    with patch.object(module, "PIECE", piece):
        assert_close(frame_norm_silu(norm, clip, out=torch.empty_like(clip)), expected)
        assert_close(frame_norm_silu(norm, clip, out=clip), expected)
