"""Films of a few small frames whose motion is known, and networks that are none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from svd_studio.training.clips.encoders import Encoders

RATE = Fraction(10)


class Counted:
    """Encoders that count their work: the latents of a frame are four of its smaller versions."""

    def __init__(self, fingerprint: str = "fake") -> None:
        self.encoded = 0
        self.encoders = Encoders(self._encode, self._embed, fingerprint)

    def _encode(self, frames: torch.Tensor) -> torch.Tensor:
        self.encoded += 1
        small = F.avg_pool2d(frames.movedim(-1, 1), 8)
        return torch.cat([small, small.mean(1, keepdim=True)], dim=1)

    def _embed(self, picture: torch.Tensor) -> torch.Tensor:
        return picture.mean((1, 2))


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture(scope="session")
def texture() -> np.ndarray:
    """Smooth colours, 600x200."""
    noise = np.random.default_rng(1).integers(0, 255, (50, 150, 3), np.uint8)
    return cv2.resize(noise, (600, 200), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="session")
def panned(texture) -> Callable[..., np.ndarray]:
    """panned(count, speed, size): frames uint8 whose picture goes `speed` pixels left a frame."""

    def frames(count: int, speed: float = 2.0, size: tuple[int, int] = (96, 64)) -> np.ndarray:
        shots = []
        for number in range(count):
            matrix = np.float32([[1, 0, -20 - speed * number], [0, 1, -20]])
            shots.append(cv2.warpAffine(texture, matrix, size, borderMode=cv2.BORDER_WRAP))
        return np.stack(shots)

    return frames


@pytest.fixture(scope="session")
def write_film() -> Callable[[Path, np.ndarray], Path]:
    """write_film(path, frames): all of them key frames, at 10 fps."""

    def write(path: Path, frames: np.ndarray) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as file:
            stream = file.add_stream("mpeg4", rate=RATE)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
            for frame in frames:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            file.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def write_pictures() -> Callable[[Path, np.ndarray], Path]:
    """write_pictures(folder, frames): a PNG each."""

    def write(folder: Path, frames: np.ndarray) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(frames):
            cv2.imwrite(str(folder / f"f_{number:03}.png"), frame[..., ::-1])
        return folder

    return write
