"""Latents as a source of frames: decoded once, when somebody pulls, and never a film in memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import folder_paths
import torch
from comfy.sd import VAE
from torch import Tensor, nn

from ..video.fingerprint import fingerprint
from ..video.sources.spool import Spool
from ..video.stream import Clip
from .run_decode import stream_film

_weights_fingerprints: weakref.WeakKeyDictionary[nn.Module, str] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class DecodedFrames:
    """Frames that `vae` makes of `latents`; made by `decoded_frames`.

    Decoded whole at the first pull, so that what the decoder needs is free again when the frames
    are used; until the end of this object they wait in a file in ComfyUI's temp folder.
    """

    vae: VAE
    latents: Tensor
    circular: bool
    spool: Spool

    @property
    def clip(self) -> Clip:
        return self.spool.clip

    def frames(self, start: int) -> Iterator[Tensor]:
        return self.spool.frames(start)

    def fingerprint(self) -> str:
        return fingerprint(self.latents, self.circular, weights_fingerprint(self.vae))


def decoded_frames(
    vae: VAE, latents: Tensor, circular: bool = False, rate: Fraction | None = None
) -> DecodedFrames:
    """`latents` (T, C, h, w); `circular` if they are a loop. Raises ValueError for others."""
    if latents.ndim != 4:
        raise ValueError(
            f"The latent has {latents.ndim} dimensions {tuple(latents.shape)}: expected the 4 of "
            "pictures or of an SVD film."
        )
    if not isinstance(vae.upscale_ratio, int):
        raise ValueError("This VAE is another video model's: connect the one of Load SVD Model.")
    count, _, height, width = latents.shape
    clip = Clip(count, height * vae.upscale_ratio, width * vae.upscale_ratio, rate=rate)

    def make() -> Iterator[Tensor]:
        with torch.inference_mode():  # the thread that pulls may be anyone's
            yield from stream_film(vae, latents, circular)

    spool = Spool(clip, make, Path(folder_paths.get_temp_directory()))
    return DecodedFrames(vae, latents, circular, spool)


def weights_fingerprint(vae: VAE) -> str:
    """Of all weights of the VAE; kept as long as its network is."""
    network = vae.first_stage_model
    if network not in _weights_fingerprints:
        _weights_fingerprints[network] = fingerprint(dict(network.state_dict()))
    return _weights_fingerprints[network]
