"""Films for the workflow that trains a LoRA: ComfyUI's example picture, panned over to the left."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

CLIPS = "my_clips"  # the folder that the workflow names
COUNT = 8


def offer_example_clips(base: Path) -> None:
    """Put them into our input folder, beside ComfyUI's example picture, unless they are there."""
    picture, offered = base / "input" / "example.png", base / "input" / CLIPS
    if offered.exists() or not picture.is_file():
        return
    import cv2
    from svd_studio.dev.lora_films import pan_left
    from svd_studio.training.pictures import Picture

    pixels = cv2.imread(str(picture))[..., ::-1]
    rng = random.Random(0)
    cuts = [cut(pixels, rng) for _ in range(COUNT)]
    with tempfile.TemporaryDirectory(dir=base / "input") as folder:
        made = Path(folder) / CLIPS
        pan_left(made, [Picture(f"cut {i}", p) for i, p in enumerate(cuts)], (256, 144), COUNT)
        shutil.move(made, offered)


def cut(pixels, rng: random.Random):  # noqa: ANN001, ANN201 - uint8 (H, W, 3)
    """A part of the picture, half to all of its sides."""
    height, width = (round(side * rng.uniform(0.5, 1.0)) for side in pixels.shape[:2])
    y, x = rng.randint(0, pixels.shape[0] - height), rng.randint(0, pixels.shape[1] - width)
    return pixels[y : y + height, x : x + width]
