"""Soft-edged parts of pictures that cross the frame on their own."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .pictures import Picture


@dataclass(frozen=True)
class CutOut:
    """`pixels` (d, d, 3) and `alpha` (d, d) in 0..1, at `centre` half-way through its travel."""

    pixels: np.ndarray
    alpha: np.ndarray
    centre: tuple[float, float]
    travel: tuple[float, float]  # pixels over the whole clip

    def paste(self, image: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """The image (H, W, 3) with the cut-out on it at `time` 0..1, and where it lies (H, W)."""
        size = (image.shape[1], image.shape[0])
        half = self.pixels.shape[0] / 2
        x = self.centre[0] + self.travel[0] * (time - 0.5) - half
        y = self.centre[1] + self.travel[1] * (time - 0.5) - half
        shift = np.float32([[1, 0, x], [0, 1, y]])
        alpha = cv2.warpAffine(self.alpha, shift, size)
        pixels = cv2.warpAffine(self.pixels, shift, size)
        return image * (1 - alpha[..., None]) + pixels * alpha[..., None], alpha


def sample_cutouts(
    pictures: Sequence[Picture], size: tuple[int, int], rng: random.Random
) -> tuple[CutOut, ...]:
    """One or two, each with its own direction and speed."""
    return tuple(_sample(pictures, size, rng) for _ in range(rng.choice([1, 1, 2])))


def _sample(pictures: Sequence[Picture], size: tuple[int, int], rng: random.Random) -> CutOut:
    width, height = size
    source = rng.choice(pictures).pixels
    diameter = rng.randint(height // 4, height // 2)
    side = rng.randint(min(source.shape[:2]) // 4, min(source.shape[:2]))
    y, x = rng.randint(0, source.shape[0] - side), rng.randint(0, source.shape[1] - side)
    part = cv2.resize(
        source[y : y + side, x : x + side], (diameter, diameter), interpolation=cv2.INTER_AREA
    )
    distance, angle = rng.uniform(0.03, 0.35) * width, rng.uniform(0, 2 * math.pi)
    return CutOut(
        pixels=part.astype(np.float32),
        alpha=_blob(diameter, rng),
        centre=(rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height),
        travel=(distance * math.cos(angle), distance * math.sin(angle)),
    )


def _blob(diameter: int, rng: random.Random) -> np.ndarray:
    """A lobed disc with an edge a few pixels soft."""
    ys, xs = np.mgrid[0:diameter, 0:diameter] - diameter / 2
    radius, angle = np.hypot(xs, ys) / (diameter / 2), np.arctan2(ys, xs)
    lobes, phase, depth = rng.randint(2, 5), rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.2)
    edge = 0.8 * (1 + depth * np.sin(lobes * angle + phase))
    return np.clip((edge - radius) * diameter / 4, 0, 1).astype(np.float32)
