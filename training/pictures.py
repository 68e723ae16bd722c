"""Photographs that registry packages carry, read straight out of their wheels."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
LONGEST_SIDE = 640
SHORTEST_SIDE = 256
LEAST_ENTROPY = 5.5
LARGEST_FLAT_SHARE = 0.2
HELD_OUT_TEMPLATES = 20

# Never trained on: the photographs that every number in the model card is measured with.
HELD_OUT_PHOTOGRAPHS = (
    "skimage/data/astronaut.png",
    "skimage/data/coffee.png",
    "skimage/data/chelsea.png",
    "skimage/data/rocket.jpg",
    "skimage/data/motorcycle_left.png",
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)
# Diagrams, and the second eye of a held-out photograph.
NOT_PHOTOGRAPHS = (
    "chessboard",
    "text.png",
    "page.png",
    "motorcycle_right",
    "logo.png",
    "color.png",
)


@dataclass(frozen=True)
class Picture:
    """One RGB photograph, `pixels` uint8 (H, W, 3), named after its place in the wheel."""

    name: str
    pixels: np.ndarray


@dataclass(frozen=True)
class PictureSet:
    """`train` to learn from; `photographs` and `templates` are held out."""

    train: tuple[Picture, ...]
    photographs: tuple[Picture, ...]
    templates: tuple[Picture, ...]


def read_pictures(wheels: Iterable[Path]) -> PictureSet:
    """Split every usable photograph of `wheels` by file name, the same way each time."""
    photographs: dict[str, Picture] = {}
    templates: list[Picture] = []
    textures: list[Picture] = []
    for wheel in wheels:
        for name, pixels in _pictures_of(wheel):
            if name in HELD_OUT_PHOTOGRAPHS:
                photographs[name] = Picture(name, pixels)
            elif _is_usable(pixels) and not any(word in name for word in NOT_PHOTOGRAPHS):
                (templates if "templates/" in name else textures).append(Picture(name, pixels))
    missing = sorted(set(HELD_OUT_PHOTOGRAPHS) - set(photographs))
    if missing:
        raise ValueError(f"held-out photographs missing from the wheels: {', '.join(missing)}")
    names = sorted({picture.name for picture in templates})
    held_out = set(random.Random(0).sample(names, HELD_OUT_TEMPLATES))
    return PictureSet(
        train=tuple([p for p in templates if p.name not in held_out] + textures),
        photographs=tuple(photographs[name] for name in HELD_OUT_PHOTOGRAPHS),
        templates=tuple(p for p in templates if p.name in held_out),
    )


def _pictures_of(wheel: Path) -> Iterator[tuple[str, np.ndarray]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.lower().endswith(SUFFIXES):
                for frame in _frames(archive.read(name)):
                    yield name, _shrink(frame)


def _frames(data: bytes) -> Iterator[np.ndarray]:
    """One frame of a still, three of an animation."""
    try:
        image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        return
    count = getattr(image, "n_frames", 1)
    for index in [0] if count == 1 else [count // 6, count // 2, 5 * count // 6]:
        image.seek(index)
        yield np.array(image.convert("RGB"))


def _shrink(pixels: np.ndarray) -> np.ndarray:
    scale = LONGEST_SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _is_usable(pixels: np.ndarray) -> bool:
    """Large enough, and not a drawing on a flat ground."""
    if min(pixels.shape[:2]) < SHORTEST_SIDE:
        return False
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    present = shares[shares > 0]
    entropy = float(-(present * np.log2(present)).sum())
    return entropy >= LEAST_ENTROPY and shares.max() <= LARGEST_FLAT_SHARE


def cover(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize to fill width x height and cut the centre."""
    h, w = pixels.shape[:2]
    scale = max(width / w, height / h)
    size = (max(width, round(w * scale)), max(height, round(h * scale)))
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    y, x = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[y : y + height, x : x + width]
