"""A film is encoded a few frames at a time, and fewer when memory runs out."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from svd_studio.sampling import encode as module
from svd_studio.sampling.encode import encode_frames
from svd_studio.sampling.ladder import NotEnoughMemoryError


def ran_out(error):
    return isinstance(error, torch.OutOfMemoryError)


def encoder(fits):
    """Encodes `fits` frames at a time at most; what it was given, by count, is in `seen`."""

    def encode(frames):
        encode.seen.append(len(frames))
        if len(frames) > fits:
            raise torch.OutOfMemoryError
        return frames.movedim(-1, 1)[:, :1].repeat(1, 4, 1, 1)

    encode.seen = []
    return encode


@pytest.fixture
def film():
    return torch.rand(11, 4, 6, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("fits", "seen"), [(9, [5, 5, 1]), (2, [5, 2, 2, 2, 2, 2, 1])])
def test_every_frame_is_encoded_once(film, fits, seen):
    encode, freed = encoder(fits), []
    with patch.object(module, "PIXELS", 5 * 24):
        latents = encode_frames(encode, film, ran_out, lambda: freed.append(1))
    assert torch.equal(latents[:, 2], film[..., 0])
    assert encode.seen == seen
    assert len(freed) == (fits < 5)


def test_frame_that_does_not_fit_is_named(film):
    with pytest.raises(NotEnoughMemoryError, match="one frame of 6x4"):
        encode_frames(encoder(0), film, ran_out, lambda: None)
