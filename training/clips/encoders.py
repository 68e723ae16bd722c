"""The two networks that clips go through, as functions, and which networks they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

TENSORS = 8  # of a network, spread over it
VALUES = 4096  # of a tensor


@dataclass(frozen=True)
class Encoders:
    """`encode`: frames (n, H, W, 3) in 0..1 to latents (n, 4, h, w), unscaled, as core's VAE does.

    `embed`: a picture (1, H, W, 3) to the image encoder's token (1, dim). `fingerprint` is the same
    for the same networks, and another for any others.
    """

    encode: Callable[[Tensor], Tensor]
    embed: Callable[[Tensor], Tensor]
    fingerprint: str


def fingerprint_of(*networks: nn.Module) -> str:
    """A short hash of a few weights of each network, in whatever precision they are."""
    digest = hashlib.sha256()
    for network in networks:
        weights = network.state_dict()
        names = sorted(weights)
        for name in names[:: max(1, len(names) // TENSORS)]:
            values = weights[name].flatten()[:VALUES].cpu()
            digest.update(f"{name}:{values.dtype}:{tuple(weights[name].shape)};".encode())
            digest.update(values.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
