"""Stage 2 of svd-mini: the video UNet and its small image encoder, on cached latents."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..sampling.framing import whole_picture_for_clip
from .latent_cache import LATENT_SCALE, LatentCache, TrainingClip, cut_clip
from .objective import SigmaDistribution, network_input, v_target
from .optimizer import MuonAdamW, exponential_average
from .processes import process_count, process_rank, sum_gradients, sum_number
from .vector_conditioning import vector_conditioning

ADAM_PREFIXES = (
    "image_encoder.",
    "unet.input_blocks.0.",
    "unet.out.",
    "unet.label_emb",
    "unet.time_embed",
)


@dataclass(frozen=True)
class UNetRecipe:
    """Short clips first, because they are cheap; then 14 frames at both sizes.

    Unguided motion has many answers and a small network averages them into mush. So clips noisier
    than `one_move_above` all show the default move; below, where the noise already shows what
    moves, half of them show any move. Direction is learned first; from `detail_from` on, most of
    the noise is small, because detail is what then lacks. From `follow_from` on, most clips below
    `follow_below` show any move, so that a guide is followed from there down.
    """

    steps: int = 3800
    micro_batches: int = 2  # gradients of a step are their mean, on however many processes
    short_share: float = 0.237
    short: tuple[int, int] = (8, 3)  # frames, clips in a micro-batch
    long: tuple[int, int] = (14, 2)
    large: tuple[int, int] = (14, 2)
    large_every: int = 3
    one_move_above: float = 4.0
    muon_lr: float = 0.005
    adam_lr: float = 2e-3
    ema_decay: float = 0.998
    cond_dropout: float = 0.1
    sigmas: SigmaDistribution = field(default_factory=SigmaDistribution)
    detail_from: float = 0.366
    detail_sigmas: SigmaDistribution = field(
        default_factory=lambda: SigmaDistribution(
            log_mean=0.0, log_std=1.2, middle_share=0.2, top_share=0.04
        )
    )
    follow_from: float = 0.631
    follow_below: float = 30.0
    follow_share: float = 0.75
    follow_sigmas: SigmaDistribution = field(
        default_factory=lambda: SigmaDistribution(
            log_mean=-0.3, log_std=1.2, middle=(0.5, 30.0), middle_share=0.7, top_share=0.06
        )
    )
    seed: int = 0


@dataclass(frozen=True)
class MoveCaches:
    """Trajectories of one size: the default move, and every move."""

    default: LatentCache
    every: LatentCache


class SVDNetworks(nn.Module):
    """UNet and image encoder as one module, so that one optimiser and one average hold both."""

    def __init__(self, unet: nn.Module, image_encoder: nn.Module) -> None:
        super().__init__()
        self.unet, self.image_encoder = unet, image_encoder

    def forward(self, x: Tensor, sigma: Tensor, cond: BatchConditioning) -> Tensor:
        """The UNet's output for `x` (B, T, 4, h, w) at `sigma` (B,)."""
        batch, frames = x.shape[:2]
        noisy, c_noise = network_input(x, sigma.view(-1, 1, 1, 1, 1))
        concat = cond.latent[:, None].expand(-1, frames, -1, -1, -1) / LATENT_SCALE
        embedding = self.image_encoder(cond.pictures).image_embeds * cond.keep[:, None]
        output = self.unet(
            torch.cat([noisy, concat], dim=2).flatten(0, 1),
            c_noise.flatten().repeat_interleave(frames),
            embedding[:, None].repeat_interleave(frames, 0),
            y=cond.vector.repeat_interleave(frames, 0),
            num_video_frames=frames,
        )
        return output.float().unflatten(0, (batch, frames))


@dataclass(frozen=True)
class BatchConditioning:
    """Conditioning of B clips; `keep` is 0 where it was dropped (the latent is zero there too)."""

    latent: Tensor  # (B, 4, h, w), scaled for the UNet
    pictures: Tensor  # (B, 3, 224, 224), normalised for CLIP
    vector: Tensor  # (B, 768)
    keep: Tensor  # (B,)


class UNetStage:
    """One step: a batch of clips, each with its own sigma; the weights' average is what ships."""

    def __init__(
        self, networks: SVDNetworks, small: MoveCaches, large: MoveCaches, recipe: UNetRecipe
    ) -> None:
        self.networks, self.small, self.large, self.recipe = networks, small, large, recipe
        self.optimizer = MuonAdamW(
            networks.named_parameters(), recipe.muon_lr, recipe.adam_lr, ADAM_PREFIXES
        )
        self.average = exponential_average(networks, recipe.ema_decay)

    def step(self, index: int, lr_scale: float) -> float:
        count = self.recipe.micro_batches
        mine = range(process_rank(), count, process_count())
        losses = [self._backward(index, micro) / count for micro in mine]
        sum_gradients(self.networks.parameters())
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        self.optimizer.step(lr_scale)
        self.average.update_parameters(self.networks)
        return sum_number(sum(losses))

    def _backward(self, index: int, micro: int) -> float:
        rng = random.Random(f"{self.recipe.seed}-unet-{index}-{micro}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        caches, (frames, batch) = self._phase(index)
        sigma = self._sigmas(index).sample(batch, generator)
        clips = [cut_clip(self._cache(index, caches, s, rng), frames, rng) for s in sigma.tolist()]
        x0 = torch.stack([clip.x0 for clip in clips])
        keep = (torch.rand(batch, generator=generator) >= self.recipe.cond_dropout).float()
        loss = self._loss(x0, sigma, conditioning_of(clips, keep), generator)
        (loss / self.recipe.micro_batches).backward()
        return loss.item()

    def _phase(self, index: int) -> tuple[MoveCaches, tuple[int, int]]:
        if index < self.recipe.short_share * self.recipe.steps:
            return self.small, self.recipe.short
        if index % self.recipe.large_every == 0:
            return self.large, self.recipe.large
        return self.small, self.recipe.long

    def _sigmas(self, index: int) -> SigmaDistribution:
        if self._follows(index):
            return self.recipe.follow_sigmas
        late = index >= self.recipe.detail_from * self.recipe.steps
        return self.recipe.detail_sigmas if late else self.recipe.sigmas

    def _follows(self, index: int) -> bool:
        return index >= self.recipe.follow_from * self.recipe.steps

    def _cache(
        self, index: int, caches: MoveCaches, sigma: float, rng: random.Random
    ) -> LatentCache:
        recipe = self.recipe
        limit, share = recipe.one_move_above, 0.5
        if self._follows(index):
            limit, share = recipe.follow_below, recipe.follow_share
        return caches.every if sigma <= limit and rng.random() < share else caches.default

    def _loss(
        self, x0: Tensor, sigma: Tensor, cond: BatchConditioning, generator: torch.Generator
    ) -> Tensor:
        noise = torch.randn(x0.shape, generator=generator)
        level = sigma.view(-1, 1, 1, 1, 1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = self.networks(x0 + level * noise, sigma, cond)
        return (output - v_target(x0, noise, level)).square().mean()

    def state_dict(self) -> dict:
        return {
            "networks": self.networks.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        self.networks.load_state_dict(state["networks"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


def conditioning_of(clips: list[TrainingClip], keep: Tensor) -> BatchConditioning:
    """Stack what the clips are conditioned on; `keep` (B,) zeroes the picture where it is 0."""
    pictures = torch.stack([clip.picture for clip in clips]).float() / 255
    return BatchConditioning(
        latent=torch.stack([clip.cond_latent for clip in clips]) * keep.view(-1, 1, 1, 1),
        pictures=whole_picture_for_clip(pictures),
        vector=torch.stack(
            [vector_conditioning(c.fps - 1, c.motion_bucket_id, c.cond_aug) for c in clips]
        ),
        keep=keep,
    )
