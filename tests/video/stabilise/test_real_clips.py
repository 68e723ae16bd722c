"""Real clips, made small and upscaled again: less flicker, and no loss against the truth.

The numbers are among the properties of `pytest --junit-xml`.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spandrel import ModelLoader
from svd_studio.models.network_files import read_network
from svd_studio.models.temporalfix import TILING, build_temporalfix
from svd_studio.video.stabilise.learned import LearnedStabiliser
from svd_studio.video.stabilise.step import Stabilise
from svd_studio.video.stabilise.warping_error import reference_motion, warping_error

from ..pulls import through

CLIPS = ["bikes.mp4", "bigbuckbunny.mp4"]
LARGEST_LOSS = 0.2  # dB
STRONGEST = {"s3": 0.25}  # these weights give up more detail: 0.22 dB on bikes.mp4


@dataclass(frozen=True)
class Crop:
    frames: int
    height: int
    width: int


SMALL, WHOLE = Crop(7, 128, 256), Crop(10, 256, 448)


def crop_of(file, crop: Crop) -> torch.Tensor:
    """(T, H, W, 3) out of the middle of a clip's first frames."""
    frames = []
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24")
            y, x = (pixels.shape[0] - crop.height) // 2, (pixels.shape[1] - crop.width) // 2
            frames.append(torch.from_numpy(pixels[y : y + crop.height, x : x + crop.width]))
            if len(frames) == crop.frames:
                break
    return torch.stack(frames).float() / 255


def upscaled(truth: torch.Tensor, upscaler) -> torch.Tensor:
    """A quarter of the size by bicubic filtering, and back to it by a network."""
    network = ModelLoader(device="cpu").load_from_file(str(upscaler)).eval()
    small = F.interpolate(truth.movedim(-1, 1), scale_factor=0.25, mode="bicubic", antialias=True)
    with torch.inference_mode():
        frames = [network(frame[None].clamp(0, 1))[0] for frame in small]
    return torch.stack(frames).clamp(0, 1).movedim(1, -1).contiguous()


def scores(frames, truth: torch.Tensor, motion) -> tuple[float, float]:
    """Warping error times 1000, and mean PSNR in dB."""
    error = warping_error([frame.numpy() for frame in frames], motion)
    apart = [float((a - b).square().mean()) for a, b in zip(frames, truth, strict=True)]
    return 1000 * error, float(np.mean([-10 * np.log10(max(value, 1e-10)) for value in apart]))


def assert_steadier(truth, before, steps: dict[str, Stabilise], record) -> None:
    motion = reference_motion([frame.numpy() for frame in truth])
    floor, _ = scores(list(truth), truth, motion)
    flicker, quality = scores(list(before), truth, motion)
    record("real frames", f"{floor:.4f}")
    record("before", f"{flicker:.4f}, {quality:.2f} dB")
    for name, step in steps.items():
        less, after = scores(through(step, before), truth, motion)
        record(name, f"{less:.4f}, {after:.2f} dB")
        assert less < flicker
        assert after >= quality - STRONGEST.get(name, LARGEST_LOSS)


def learned(file) -> Stabilise:
    network = build_temporalfix(read_network(file))
    return Stabilise(1.0, LearnedStabiliser(network, file.stem, file.stem, TILING))


@pytest.mark.parametrize("clip", CLIPS)
def test_upscaled_clips_flicker_less_and_stay_as_good(
    clip, clip_file, upscaler_file, temporalfix_file, record_property
):
    truth = crop_of(clip_file(clip), SMALL)
    before = upscaled(truth, upscaler_file("realesr-animevideov3-x4"))
    steps = {"flow": Stabilise(1.0), "s2": learned(temporalfix_file("temporalfix-s2"))}
    assert_steadier(truth, before, steps, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("upscaler", ["realesr-animevideov3-x4", "realesrgan-x4plus"])
def test_larger_crops_and_a_stronger_upscaler_too(
    clip, upscaler, clip_file, upscaler_file, temporalfix_file, record_property
):
    truth = crop_of(clip_file(clip), WHOLE)
    before = upscaled(truth, upscaler_file(upscaler))
    steps = {name: learned(temporalfix_file(f"temporalfix-{name}")) for name in ("s1", "s2", "s3")}
    assert_steadier(truth, before, {"flow": Stabilise(1.0), **steps}, record_property)
