"""What SVD is told about the picture and the film to make of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SIZE_STEP = 8
LARGEST_SIDE = 16384


@dataclass(frozen=True)
class FilmShape:
    """Size and length of the film, checked: every side a multiple of 8, two frames or more."""

    width: int
    height: int
    num_frames: int

    def __post_init__(self) -> None:
        for side, value in (("Width", self.width), ("Height", self.height)):
            if value % SIZE_STEP or not 0 < value <= LARGEST_SIDE:
                nearest = max(SIZE_STEP, min(LARGEST_SIDE, round(value / SIZE_STEP) * SIZE_STEP))
                raise ValueError(
                    f"{side} is {value}; SVD needs a multiple of {SIZE_STEP}: use {nearest}."
                )
        if self.num_frames < 2:
            raise ValueError(
                f"{self.num_frames} frame asked for; a film needs at least 2: use 14 (svd) or 25 "
                "(svd_xt), the lengths SVD was trained on."
            )

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """(T, 4, height / 8, width / 8)."""
        return (self.num_frames, 4, self.height // SIZE_STEP, self.width // SIZE_STEP)


def first_picture(images: Tensor) -> Tensor:
    """The first of a batch (B, H, W, C), as a batch of one; ValueError when there is none."""
    if images.ndim != 4 or images.shape[0] == 0 or images.numel() == 0:
        raise ValueError(
            f"No picture to start from (got shape {tuple(images.shape)}): connect an image."
        )
    return images[:1]


def augment_picture(pixels: Tensor, augmentation_level: float, seed: int) -> Tensor:
    """Add noise of `augmentation_level` in the range -1..1; `pixels` and the result are in 0..1.

    SVD was trained with this noise in -1..1. Core adds it in 0..1, which is twice what the model
    is told, and from a generator that the seed does not reach.
    """
    if augmentation_level == 0:
        return pixels
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(pixels.shape, generator=generator).to(pixels)
    return pixels + noise * (augmentation_level / 2)
