"""One film of the speed bench: a held-out photograph, a setting, and how far it is from the truth.

The truth is the film of the same seed and guidance in 200 steps of euler, karras.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import comfy.utils
import cv2
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_video_model import VideoLinearCFGGuidance
from svd_studio.models.loader import load_svd
from svd_studio.models.patches.evaluations import counting
from svd_studio.models.patches.guidance import with_guidance
from svd_studio.models.patches.step_cache import step_cache_of
from svd_studio.models.sources import MINI, open_svd
from svd_studio.nodes.camera_guide import SVDCameraGuide
from svd_studio.nodes.condition import SVDConditioning
from svd_studio.nodes.decode import SVDDecode
from svd_studio.nodes.quality import CUSTOM, SVDQualityPreset
from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler
from svd_studio.sampling.camera import Ease, Pose, straight
from svd_studio.sampling.guidance import FrameGuidance
from svd_studio.sampling.quality import MINIATURE_PRESETS, PRESETS, Quality
from svd_studio.sampling.sigmas import make_sigmas
from svd_studio.training.pictures import Picture, cover
from svd_studio.video.metrics import MotionReport, measure_clip
from svd_studio.video.motion_metrics import optical_flow, psnr
from torch import Tensor

from nodes import KSampler

AYS, OURS = "align-your-steps", "svd-studio"
FRAMES, FPS, WIDTH, HEIGHT, BUCKET = 14, 7, 192, 112, 127
GUIDANCE = FrameGuidance(1.0, 2.5)  # core's VideoLinearCFGGuidance with cfg 2.5
LATENT_SCALE = 0.18215  # ComfyUI's latents times this are what the network saw, about 1 large
MOVES = {
    "pan right": (Pose(pan=5.0), "shift_x"),
    "pan left": (Pose(pan=-5.0), "shift_x"),
    "tilt up": (Pose(tilt=4.0), "shift_y"),
    "tilt down": (Pose(tilt=-4.0), "shift_y"),
    "zoom in": (Pose(zoom=1.2), "log_zoom"),
    "zoom out": (Pose(zoom=1 / 1.2), "log_zoom"),
    "roll": (Pose(roll=8.0), "roll"),
}


@dataclass(frozen=True)
class Setting:
    """A way to sample. `core`: by ComfyUI's KSampler, in karras; else by the pack's own nodes."""

    name: str
    quality: Quality
    core: bool = False

    @property
    def facts(self) -> str:
        """All that its films depend on, for their answers' key."""
        quality = self.quality
        sigmas = make_sigmas(quality.schedule, quality.steps, 700.0, 0.002)
        return f"{quality.describe()} {[float(f'{sigma:.4g}') for sigma in sigmas]}"


@dataclass(frozen=True)
class Film:
    """Latents (T, 4, h, w), network evaluations, what they cost in whole ones, and seconds."""

    latents: Tensor
    evaluations: int
    equal_to: float
    seconds: float


TRUTH = Setting("200 steps", Quality(200, "karras", "euler"), core=True)


def film_facts() -> list:
    """What all films share."""
    return [FRAMES, FPS, WIDTH, HEIGHT, BUCKET, GUIDANCE.describe()]


def settings() -> list[Setting]:
    """Core's common settings, the presets, and what they were chosen among."""
    return [*_of_core(), *_presets(), *_alternatives()]


def _of_core() -> list[Setting]:
    counts = (25, 20, 30)
    return [Setting(f"ComfyUI {n}", Quality(n, "karras", "euler"), core=True) for n in counts]


def _presets() -> list[Setting]:
    """As svd-mini gets them."""
    return [Setting(name, quality) for name, quality in MINIATURE_PRESETS.items()]


def _alternatives() -> list[Setting]:
    """Each leaves something out of a preset, or puts what others use in its place."""
    carried = (100.0, 0.1, MINIATURE_PRESETS["standard"].guidance_carry)
    few = {
        "euler, align-your-steps 10": Quality(10, AYS, "euler"),
        "align-your-steps 10": Quality(10, AYS, "dpmpp_2m"),
        "align-your-steps 7": Quality(7, AYS, "dpmpp_2m"),
        "karras 10": Quality(10, "karras", "dpmpp_2m"),
        "svd-studio 10, guided 100 to 1": Quality(10, OURS, "dpmpp_2m", 100.0, 1.0),
        "standard without cache": Quality(10, OURS, "dpmpp_2m", *carried),
        "fast without cache": Quality(7, OURS, "deis", *carried),
        "euler, karras 25, cache": Quality(25, "karras", "euler", cache_every=2),
    }
    published = [
        Setting(f"{name} for published SVD", quality)
        for name, quality in PRESETS.items()
        if quality != MINIATURE_PRESETS[name]
    ]
    return [*(Setting(name, quality) for name, quality in few.items()), *published]


class Lab:
    """svd-mini loaded once, and the photographs."""

    def __init__(self, photos: Sequence[Picture], weights: Path = MINI) -> None:
        comfy.utils.set_progress_bar_enabled(False)
        self.svd = load_svd(open_svd(weights))
        self.photos = [cover(p.pixels, WIDTH, HEIGHT) for p in photos]

    def image(self, photo: int) -> Tensor:
        return torch.from_numpy(self.photos[photo])[None].float() / 255

    def conditioning(self, photo: int, bucket: int = BUCKET) -> tuple:
        return SVDConditioning.execute(
            self.svd.image_encoder, self.svd.vae, self.image(photo), WIDTH, HEIGHT, FRAMES, bucket,
            FPS, 0.0, photo, "cover", "whole picture (reference)",
        ).args  # fmt: skip

    @torch.inference_mode()
    def film(self, setting: Setting, photo: int) -> Film:
        """The photograph's film, seeded by its number."""
        conditioning = self.conditioning(photo)
        started = time.perf_counter()
        if setting.core:
            latents, evaluations, equal_to = self._of_core(setting.quality, conditioning, photo)
        else:
            latents, evaluations, equal_to = self._of_pack(setting, conditioning, photo)
        seconds = time.perf_counter() - started
        return Film(latents * LATENT_SCALE, evaluations, equal_to, seconds)

    def _of_core(self, quality: Quality, conditioning: tuple, seed: int) -> tuple:
        (guided,) = VideoLinearCFGGuidance().patch(self.svd.model, GUIDANCE.first)
        model, tally = counting(guided)
        (latent,) = KSampler().sample(
            model, seed, quality.steps, GUIDANCE.last, quality.sampler, quality.schedule,
            *conditioning,
        )  # fmt: skip
        return latent["samples"], tally.done, float(tally.done)

    def _of_pack(self, setting: Setting, conditioning: tuple, seed: int) -> tuple:
        model = with_guidance(self.svd.model, GUIDANCE)
        model, latents, evaluations = self._sampled(model, setting.quality, conditioning, seed)
        cache = step_cache_of(model)
        return latents, evaluations, cache.equal_to if cache else float(evaluations)

    def _sampled(
        self, model: ModelPatcher, quality: Quality, conditioning: tuple, seed: int
    ) -> tuple[ModelPatcher, Tensor, int]:
        model, steps, schedule, sampler, _ = SVDQualityPreset.execute(
            model, CUSTOM, True, **asdict(quality)
        ).args
        model, tally = counting(model)
        run = SamplerSettings(seed, steps, schedule, sampler, 0.0, 0.0, GUIDANCE.last)
        latent, _ = run_sampler(model, *conditioning, run)
        return model, latent["samples"], tally.done

    @torch.inference_mode()
    def moved(self, quality: Quality, photo: int, move: str) -> np.ndarray:
        """Frames uint8 (T, H, W, 3) of a film whose camera makes `move`, guided by it."""
        path = straight(MOVES[move][0], Ease.LINEAR)
        model, latent, _, _, bucket, *_ = SVDCameraGuide.execute(
            self.svd.model, self.svd.vae, self.image(photo), path, "clock", 1.0, 0.0, 0.0, 0.0, 3,
            1, WIDTH, HEIGHT, FRAMES, FPS, "cover", True, 4.0,
        ).args  # fmt: skip
        positive, negative, _ = self.conditioning(photo, bucket)
        model = with_guidance(model, GUIDANCE)
        _, samples, _ = self._sampled(model, quality, (positive, negative, latent), photo)
        return self.frames(samples * LATENT_SCALE)

    @torch.inference_mode()
    def frames(self, latents: Tensor) -> np.ndarray:
        """uint8 (T, H, W, 3)."""
        images = SVDDecode.execute(self.svd.vae, {"samples": latents / LATENT_SCALE}).args[0]
        return (images.clamp(0, 1) * 255).round().byte().numpy()


def distance(latents: Tensor, frames: np.ndarray, truth: Tensor, true_frames: np.ndarray) -> dict:
    """How far a film is from the true one, by every measure of the bench.

    `rmse` of latents; `psnr` in dB; `flow`: pixels between their optical flows; `flicker` and
    `camera` (frame widths at the last frame): differences of what measure_clip says.
    """
    report, true_report = measure_clip(frames), measure_clip(true_frames)
    flows = [_flow(*pair) - _flow(*true) for pair, true in _neighbours(frames, true_frames)]
    return {
        "rmse": float((latents - truth).square().mean().sqrt()),
        "psnr": psnr(frames, true_frames),
        "flow": float(np.mean([np.linalg.norm(flow, axis=-1).mean() for flow in flows])),
        "flicker": abs(report.flicker - true_report.flicker),
        "camera": _camera_distance(report, true_report),
    }


def _neighbours(frames: np.ndarray, true_frames: np.ndarray) -> list[tuple]:
    return list(zip(pairwise(frames), pairwise(true_frames), strict=True))


def _flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return optical_flow(*(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)))


def _camera_distance(report: MotionReport, true_report: MotionReport) -> float:
    last, true_last = report.curve[-1], true_report.curve[-1]
    return float(np.hypot(last.shift_x - true_last.shift_x, last.shift_y - true_last.shift_y))
