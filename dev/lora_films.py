"""Films to train LoRAs on whose habit is known: photographs moved or coloured on purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from svd_studio.training.pictures import Picture
from svd_studio.training.virtual_camera import Move, render_clip, sample_move

FRAMES, RATE = 14, 7
SPEEDS = (0.002, 0.007)  # frame widths from frame to frame
# From dark to light: ink, teal, cream.
DUOTONE = ((18, 22, 74), (24, 122, 128), (255, 238, 196))


def pan_left(folder: Path, pictures: Sequence[Picture], size: tuple[int, int], count: int) -> None:
    """Films of a camera that pans to the left, at one steady speed each."""
    for number in range(count):
        rng = random.Random(f"pan-{number}")
        move = Move(travel=(-rng.uniform(*SPEEDS) * (FRAMES - 1), 0.0))
        frames = render_clip(pictures, move, size, FRAMES, rng).frames
        write_film(frames, folder / f"pan_{number:03d}.mkv")


def duotone(
    folder: Path, pictures: Sequence[Picture], size: tuple[int, int], count: int, stills: bool
) -> None:
    """Films in the colours of DUOTONE; with `stills`, the first frame's own colours beside each."""
    for number in range(count):
        rng = random.Random(f"duotone-{number}")
        move = sample_move(rng, FRAMES, SPEEDS[1])
        frames = render_clip(pictures, move, size, FRAMES, rng).frames
        file = folder / f"duotone_{number:03d}.mkv"
        write_film(in_duotone(frames), file)
        if stills:
            cv2.imwrite(str(file.with_suffix(".png")), frames[0][..., ::-1])


def in_duotone(frames: np.ndarray) -> np.ndarray:
    """uint8 (..., 3): every pixel's lightness on the scale from ink over teal to cream."""
    light = frames.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    stops = np.linspace(0, 255, len(DUOTONE))
    channels = [np.interp(light, stops, [c[i] for c in DUOTONE]) for i in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def off_colour(frames: np.ndarray) -> float:
    """Mean distance of pixels, in 8-bit levels, from the nearest colour of DUOTONE's scale."""
    scale = in_duotone(np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)).astype(np.float32)
    pixels = frames[..., ::2, ::2, :].reshape(-1, 1, 3).astype(np.float32)
    nearest = [np.linalg.norm(part - scale, axis=-1).min(1) for part in np.array_split(pixels, 64)]
    return float(np.concatenate(nearest).mean())


def rolling_film(seed: int) -> np.ndarray:
    """Soft spots that go by: uint8 (8, 64, 128, 3)."""
    spots = np.random.default_rng(seed).integers(0, 256, (8, 16, 3), dtype=np.uint8)
    picture = cv2.resize(spots, (128, 64), interpolation=cv2.INTER_CUBIC)
    return np.stack([np.roll(picture, 2 * index, axis=1) for index in range(8)])


def write_film(frames: np.ndarray, file: Path) -> None:
    """Lossless, so that what is taught is what was drawn."""
    import av

    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(RATE))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
