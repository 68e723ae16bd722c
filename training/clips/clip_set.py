"""Encoded clips on disk: what training draws from, without VAE or image encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True)
class CachedClip:
    """What the networks made of one clip.

    `latents` (T, 4, h, w) float32 as the VAE encodes, unscaled. `conditioning` (K, 4, h, w): the
    picture the clip is conditioned on, encoded clean and then with the noise of `cond_aug` (K,) on
    its pixels in -1..1; `cond_aug[0]` is 0. `embedding` (1, dim): the image encoder's token.
    """

    latents: Tensor
    conditioning: Tensor
    cond_aug: Tensor
    embedding: Tensor


@dataclass(frozen=True)
class ClipEntry:
    """One clip of a set: its file in the set's folder, and what is known of it.

    `source` is for people ("beach.mp4 from frame 48"). `fps` is of the clip as it plays;
    `motion_bucket_id` 0..255 was measured. `held_out` clips are for validation alone.
    """

    file: str
    source: str
    num_frames: int
    width: int
    height: int
    fps: int
    motion_bucket_id: int
    held_out: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, height, width): clips of one shape can share a batch."""
        return (self.num_frames, self.height, self.width)


@dataclass(frozen=True)
class ClipSet:
    """A folder of encoded clips; `skipped` says in a sentence each what could not be used."""

    folder: Path
    entries: tuple[ClipEntry, ...]
    skipped: tuple[str, ...] = ()

    @property
    def training(self) -> tuple[ClipEntry, ...]:
        return tuple(entry for entry in self.entries if not entry.held_out)

    @property
    def held_out(self) -> tuple[ClipEntry, ...]:
        return tuple(entry for entry in self.entries if entry.held_out)
