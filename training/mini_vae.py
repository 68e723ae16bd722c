"""Stage 1 of svd-mini: the autoencoder, on still crops; then its video decoder, on moving ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .optimizer import MuonAdamW
from .pictures import Picture, cover
from .virtual_camera import render_clip, sample_move

TEMPORAL_PARAMETERS = ("time_stack", "time_mix", "mix_factor")


@dataclass(frozen=True)
class VAERecipe:
    """Muon with an auxiliary colour loss: the fastest recipe measured on two CPU cores."""

    steps: int = 1800
    batch: int = 12
    crop: int = 64
    muon_lr: float = 0.01
    adam_lr: float = 1e-3
    kl_weight: float = 1e-4
    colour_weight: float = 0.3
    seed: int = 0


class VAEStage:
    """Encoder and decoder on still crops, the decoder's temporal layers left at identity."""

    def __init__(self, vae: nn.Module, pictures: Sequence[Picture], recipe: VAERecipe) -> None:
        self.vae, self.pictures, self.recipe = vae, pictures, recipe
        self.optimizer = MuonAdamW(
            [(n, p) for n, p in vae.named_parameters() if not is_temporal(n)],
            recipe.muon_lr,
            recipe.adam_lr,
            adam_prefixes=("encoder.conv_in", "encoder.conv_out", "decoder.conv_"),
        )

    def step(self, index: int, lr_scale: float) -> float:
        rng = random.Random(f"{self.recipe.seed}-vae-{index}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        crops = [
            random_crop(rng.choice(self.pictures), self.recipe.crop, rng)
            for _ in range(self.recipe.batch)
        ]
        x = torch.stack(crops)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mean, log_variance = encode_distribution(self.vae, x)
            noise = torch.randn(mean.shape, generator=generator)
            z = mean + torch.exp(0.5 * log_variance) * noise
            reconstruction = self.vae.decoder(z, skip_video=True).float()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        # Three latents begin as the block's colour: the decoder then has something to read at once.
        colour = (mean[:, :3] - 1.8 * F.avg_pool2d(x, 8)).square().mean()
        fade = max(0.0, 1 - 2 * index / self.recipe.steps)
        loss = picture_loss(reconstruction, x) + self.recipe.kl_weight * kl
        (loss + self.recipe.colour_weight * fade * colour).backward()
        nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self.optimizer.step(lr_scale)
        return loss.item()

    def state_dict(self) -> dict:
        return {"vae": self.vae.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.vae.load_state_dict(state["vae"])
        self.optimizer.load_state_dict(state["optimizer"])


@dataclass(frozen=True)
class VideoDecoderRecipe:
    """The decoder alone, on short moving crops whose latents carry a little noise."""

    steps: int = 400
    frames: int = 6
    crop: int = 64
    latent_noise: float = 0.04
    muon_lr: float = 0.004
    adam_lr: float = 5e-4
    seed: int = 0


class VideoDecoderStage:
    """All of the decoder, temporal layers too; the encoder is frozen."""

    def __init__(
        self, vae: nn.Module, pictures: Sequence[Picture], recipe: VideoDecoderRecipe
    ) -> None:
        self.vae, self.pictures, self.recipe = vae, pictures, recipe
        vae.encoder.requires_grad_(False)
        self.optimizer = MuonAdamW(
            vae.decoder.named_parameters(), recipe.muon_lr, recipe.adam_lr, adam_prefixes=("conv_",)
        )

    def step(self, index: int, lr_scale: float) -> float:
        rng = random.Random(f"{self.recipe.seed}-video-decoder-{index}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        x = self._moving_crop(rng)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with torch.no_grad():
                z, _ = encode_distribution(self.vae, x)
            noise = torch.randn(z.shape, generator=generator) * z.std()
            reconstruction = self.vae.decoder(z + self.recipe.latent_noise * noise).float()
        error = reconstruction - x
        flicker = (error[1:] - error[:-1]).abs().mean()
        loss = picture_loss(reconstruction, x) + 0.5 * flicker
        loss.backward()
        nn.utils.clip_grad_norm_(self.vae.decoder.parameters(), 1.0)
        self.optimizer.step(lr_scale)
        return loss.item()

    def _moving_crop(self, rng: random.Random) -> Tensor:
        width, height, crop = 192, 112, self.recipe.crop
        move = sample_move(rng, self.recipe.frames, largest_speed=rng.choice([0.003, 0.01, 0.02]))
        clip = render_clip(self.pictures, move, (width, height), self.recipe.frames, rng, 0.2)
        y = rng.randrange(0, height - crop + 1, 8)
        x = rng.randrange(0, width - crop + 1, 8)
        return to_signed(clip.frames[:, y : y + crop, x : x + crop])

    def state_dict(self) -> dict:
        return {"vae": self.vae.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.vae.load_state_dict(state["vae"])
        self.optimizer.load_state_dict(state["optimizer"])


def is_temporal(name: str) -> bool:
    return any(part in name for part in TEMPORAL_PARAMETERS)


def encode_distribution(vae: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and clamped log-variance of the latents of `x` (N, 3, H, W) in -1..1."""
    mean, log_variance = vae.encoder(x).float().chunk(2, dim=1)
    return mean, log_variance.clamp(-30, 10)


def picture_loss(reconstruction: Tensor, x: Tensor) -> Tensor:
    """L1 for detail, L2 for PSNR, and L1 of the gradients against blur."""
    error = reconstruction - x
    gradients = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + 2 * error.square().mean() + 0.5 * gradients


def random_crop(picture: Picture, size: int, rng: random.Random) -> Tensor:
    """A square part of the picture, resized to `size`, sometimes mirrored and re-coloured."""
    height, width = picture.pixels.shape[:2]
    shortest = min(height, width)
    side = int(shortest * rng.uniform(min(1, size / shortest), 1))
    y, x = rng.randint(0, height - side), rng.randint(0, width - side)
    part = picture.pixels[y : y + side, x : x + side]
    part = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if rng.random() < 0.2:
        part = part[..., rng.sample(range(3), 3)]
    crop = to_signed(part[None])[0]
    if rng.random() < 0.3:
        crop = (crop * rng.uniform(0.7, 1.2) + rng.uniform(-0.2, 0.2)).clamp(-1, 1)
    return crop


def to_signed(frames: np.ndarray) -> Tensor:
    """uint8 (T, H, W, 3) -> float (T, 3, H, W) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1


def accept_time_arguments(vae: nn.Module) -> None:
    """Let this decoder be called with `skip_video`, which core's middle attention does not take."""
    attention = vae.decoder.mid.attn_1
    forward = attention.forward
    attention.forward = lambda x, **_: forward(x)


@torch.no_grad()
def reconstruction_psnr(
    vae: nn.Module, pictures: Sequence[Picture], width: int = 256, height: int = 144
) -> list[float]:
    """dB per picture, each filling width x height, encoded to the mean and decoded as one frame."""
    scores = []
    for picture in pictures:
        x = to_signed(cover(picture.pixels, width, height)[None])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mean, _ = encode_distribution(vae, x)
            reconstruction = vae.decoder(mean).float().clamp(-1, 1)
        scores.append(float(10 * torch.log10(4 / (reconstruction - x).square().mean())))
    return scores


@torch.no_grad()
def latent_statistics(
    vae: nn.Module, pictures: Sequence[Picture], latent_scale: float
) -> tuple[Tensor, Tensor]:
    """Per channel: mean of the latents, and their deviation times `latent_scale`."""
    frames = np.stack([cover(picture.pixels, 192, 112) for picture in pictures[::4]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [encode_distribution(vae, part)[0] for part in to_signed(frames).split(8)]
    latents = torch.cat(parts)
    return latents.mean((0, 2, 3)), latents.std((0, 2, 3)) * latent_scale


def fold_whitening(vae: nn.Module, mean: Tensor, std: Tensor) -> None:
    """Make every latent channel N(0, 1) after the model's latent scale: `mean`, `std` are per
    channel, of the latents that the diffusion model will see divided by that scale."""
    out, first = vae.encoder.conv_out, vae.decoder.conv_in
    with torch.no_grad():
        out.weight[:4] /= std.view(4, 1, 1, 1)
        out.bias[:4] = (out.bias[:4] - mean) / std
        out.bias[4:] -= 2 * std.log()
        first.bias += (first.weight * mean.view(1, 4, 1, 1)).sum((1, 2, 3))
        first.weight *= std.view(1, 4, 1, 1)
