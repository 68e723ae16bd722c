"""What a batch of cached clips tells the network, and the network behind one signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..clips.clip_set import CachedClip, ClipEntry
from ..objective import network_input
from ..vector_conditioning import vector_conditioning

LATENT_SCALE = 0.18215


@dataclass(frozen=True)
class ClipConditioning:
    """Of B clips: `latent` (B, 4, h, w) unscaled, `embedding` (B, 1, dim), `vector` (B, 768)."""

    latent: Tensor
    embedding: Tensor
    vector: Tensor

    def dropped(self, keep: Tensor) -> ClipConditioning:
        """Nothing but the vector where `keep` (B,) is 0, as guidance's other half has it."""
        latent = self.latent * keep.view(-1, 1, 1, 1)
        return ClipConditioning(latent, self.embedding * keep.view(-1, 1, 1), self.vector)

    def to(self, device: torch.device) -> ClipConditioning:
        parts = (self.latent, self.embedding, self.vector)
        return ClipConditioning(*(part.to(device) for part in parts))


# (x (B, T, 4, h, w), sigma (B,), conditioning) to the network's output F (B, T, 4, h, w)
Denoiser = Callable[[Tensor, Tensor, ClipConditioning], Tensor]


def conditioning_of(
    clips: Sequence[tuple[ClipEntry, CachedClip]], variants: Sequence[int]
) -> ClipConditioning:
    """Conditioning of `clips`; `variants` choose one of each clip's encoded pictures."""
    latents, embeddings, vectors = [], [], []
    for (entry, clip), variant in zip(clips, variants, strict=True):
        latents.append(clip.conditioning[variant])
        embeddings.append(clip.embedding)
        cond_aug = float(clip.cond_aug[variant])
        vectors.append(vector_conditioning(entry.fps - 1, entry.motion_bucket_id, cond_aug))
    return ClipConditioning(torch.stack(latents), torch.stack(embeddings), torch.stack(vectors))


def unet_denoiser(unet: nn.Module, dtype: torch.dtype, options: dict) -> Denoiser:
    """SVD's UNet (core's signature) as a function of clips; it computes in `dtype`.

    `options` are core's transformer options.
    """

    def denoise(x: Tensor, sigma: Tensor, cond: ClipConditioning) -> Tensor:
        batch, frames = x.shape[:2]
        noisy, c_noise = network_input(x, sigma.view(-1, 1, 1, 1, 1))
        concat = cond.latent[:, None].expand(-1, frames, -1, -1, -1)
        output = unet(
            torch.cat([noisy, concat], dim=2).flatten(0, 1).to(dtype),
            c_noise.flatten().repeat_interleave(frames),
            cond.embedding.repeat_interleave(frames, 0).to(dtype),
            y=cond.vector.repeat_interleave(frames, 0).to(dtype),
            num_video_frames=frames,
            transformer_options=dict(options),
        )
        return output.float().unflatten(0, (batch, frames))

    return denoise
