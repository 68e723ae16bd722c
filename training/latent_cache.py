"""Trajectories of the virtual camera, encoded once: clips are cut from them at several speeds."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..sampling.motion import motion_bucket_of
from .mini_vae import encode_distribution, to_signed
from .pictures import Picture
from .virtual_camera import Clip, default_move, render_clip, sample_move

log = logging.getLogger(__name__)

TICKS = 28  # frames of a trajectory: 14 at stride 2
ANCHORS = (0, 7, 14)  # where a clip may begin, so that its conditioning can be cached too
STRIDES = (0, 1, 2, 3)
LARGEST_SPEED = 0.006  # frame widths per tick
FPS = range(4, 17)
LATENT_SCALE = 0.18215


@dataclass(frozen=True)
class LatentCache:
    """K trajectories. Latents are scaled for the UNet: N(0, 1) per channel."""

    latents: Tensor  # (K, TICKS, 4, h, w) fp16
    flow: Tensor  # (K, strides, TICKS) frame widths from tick i to i + stride
    noisy: Tensor  # (K, anchors, 4, h, w) fp16, encoded with noise of `cond_aug` on the pixels
    cond_aug: Tensor  # (K, anchors)
    pictures: Tensor  # (K, anchors, H, W, 3) uint8, what the image encoder looks at

    def save(self, file: Path) -> None:
        save_file({f.name: getattr(self, f.name).contiguous() for f in fields(self)}, file)

    @staticmethod
    def load(*files: Path) -> LatentCache:
        """The trajectories of all `files` as one cache."""
        parts = [load_file(file) for file in files]
        return LatentCache(**{name: torch.cat([p[name] for p in parts]) for name in parts[0]})


@dataclass(frozen=True)
class TrainingClip:
    """One example: `x0` (T, 4, h, w), its conditioning latent and picture, and its labels."""

    x0: Tensor
    cond_latent: Tensor
    picture: Tensor
    fps: int
    motion_bucket_id: int
    cond_aug: float


@torch.no_grad()
def encode_trajectories(
    vae: nn.Module,
    pictures: Sequence[Picture],
    size: tuple[int, int],
    count: int,
    default: bool,
    seed: str,
) -> LatentCache:
    """Render `count` trajectories of (width, height) frames and encode them with a folded VAE."""
    rows = []
    for index in range(count):
        rng = random.Random(f"{seed}-{size}-{default}-{index}")
        speed = LARGEST_SPEED * rng.random() ** 0.5
        move = (default_move if default else sample_move)(rng, TICKS, speed)
        clip = render_clip(pictures, move, size, TICKS, rng, 0.0 if default else 0.25)
        rows.append(_encode(vae, clip, rng))
        if (index + 1) % 50 == 0:
            log.info("encoded %d of %d trajectories %s", index + 1, count, size)
    return LatentCache(*(torch.stack(column) for column in zip(*rows, strict=True)))


def _encode(vae: nn.Module, clip: Clip, rng: random.Random) -> tuple[Tensor, ...]:
    x = to_signed(clip.frames)
    cond_aug = torch.tensor([min(0.5, rng.lognormvariate(-3.0, 0.7)) for _ in ANCHORS])
    generator = torch.Generator().manual_seed(rng.getrandbits(63))
    anchors = x[list(ANCHORS)]
    noise = torch.randn(anchors.shape, generator=generator) * cond_aug.view(-1, 1, 1, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        latents, _ = encode_distribution(vae, torch.cat([x, anchors + noise]))
    latents = (latents * LATENT_SCALE).half()
    flow = [[clip.mean_flow(i, min(i + s, TICKS - 1)) for i in range(TICKS)] for s in STRIDES]
    pictures = torch.from_numpy(clip.frames[list(ANCHORS)])
    return latents[:TICKS], torch.tensor(flow), latents[TICKS:], cond_aug, pictures


def cut_clip(cache: LatentCache, frames: int, rng: random.Random) -> TrainingClip:
    """A clip of `frames` at a random stride, start and frame rate, with honest labels."""
    row = rng.randrange(len(cache.latents))
    strides = [s for s in STRIDES if s * (frames - 1) < TICKS]
    stride = rng.choices(strides, [0.06, 0.3, 0.4, 0.24][: len(strides)])[0]
    anchor = rng.choice([i for i, a in enumerate(ANCHORS) if a + stride * (frames - 1) < TICKS])
    ticks = [ANCHORS[anchor] + stride * j for j in range(frames)]
    flow = float(cache.flow[row, stride, ticks[:-1]].mean())
    fps = rng.choice(FPS)
    while fps > FPS[0] and motion_bucket_of(flow, fps) == 255:  # the map says no more up there
        fps -= 1
    noisy = rng.random() < 0.4
    return TrainingClip(
        x0=cache.latents[row, ticks].float(),
        cond_latent=(cache.noisy[row, anchor] if noisy else cache.latents[row, ticks[0]]).float(),
        picture=cache.pictures[row, anchor],
        fps=fps,
        motion_bucket_id=motion_bucket_of(flow, fps),
        cond_aug=float(cache.cond_aug[row, anchor]) if noisy else 0.0,
    )
