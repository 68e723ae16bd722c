"""Pictures of a training run: its loss, and frames of the clips that it drew on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..drawing import opencv as cv2
from ..drawing.canvas import GROUND, Canvas
from ..drawing.loss_plot import plot_losses
from ..training.lora.run import Progress
from ..video.disk import clear_disk_errors

SAMPLES = "samples"
LABEL, GAP = 34, 8  # pixels


def save_sample(folder: Path, step: int, frames: np.ndarray) -> None:
    """Keep first, middle and last frame of a clip, uint8 (T, H, W, 3), side by side."""
    file = folder / SAMPLES / f"step_{step:06d}.png"
    with clear_disk_errors(file, "a sample"):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.hstack(frames[[0, len(frames) // 2, -1]])).save(file)


def progress_picture(progress: Progress, folder: Path) -> np.ndarray:
    """The loss curve over the first and the latest sample in `folder`, uint8 (H, 1200, 3)."""
    curve = plot_losses(
        list(enumerate(progress.losses, 1)), progress.validations, progress.describe()
    )
    samples = sorted((folder / SAMPLES).glob("step_*.png"))
    shown = dict.fromkeys([*samples[:1], *samples[-1:]])
    return np.vstack([curve, *(_row(file, curve.shape[1]) for file in shown)])


def _row(file: Path, width: int) -> np.ndarray:
    """A sample as wide as the curve, under its step."""
    step = int(file.stem.removeprefix("step_"))
    label = Canvas(width, LABEL)
    words = f"step {step}" if step else "before training"
    label.text(f"{words}: first, middle and last frame", (GAP, LABEL / 2))
    with Image.open(file) as opened:
        frames = np.asarray(opened.convert("RGB"))
    height = round(frames.shape[0] * (width - 2 * GAP) / frames.shape[1])
    frames = cv2.resize(frames, (width - 2 * GAP, height), interpolation=cv2.INTER_AREA)
    row = np.full((height + GAP, width, 3), GROUND, np.uint8)
    row[:height, GAP:-GAP] = frames
    return np.vstack([label.finished(), row])
