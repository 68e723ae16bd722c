"""The two networks that clips go through, as functions, and which networks they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ...video.fingerprint import fingerprint

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
    return fingerprint([_some(network.state_dict()) for network in networks])


def _some(weights: Mapping[str, Tensor]) -> dict[str, tuple[tuple[int, ...], Tensor]]:
    names = sorted(weights)[:: max(1, len(weights) // TENSORS)]
    return {n: (tuple(weights[n].shape), weights[n].flatten()[:VALUES]) for n in names}
