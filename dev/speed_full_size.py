"""Films by networks of the published size: seconds with every preset, and with core's own nodes.

The weights are random and the films are noise, but the work is that of SVD.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import comfy.utils
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_video_model import (
    ImageOnlyCheckpointLoader,
    SVD_img2vid_Conditioning,
    VideoLinearCFGGuidance,
)
from full_size import FOLDER, NAME, full_size_checkpoint
from svd_studio.models.patches.guidance import with_guidance
from svd_studio.nodes.condition import SVDConditioning
from svd_studio.nodes.decode import SVDDecode
from svd_studio.nodes.quality import CUSTOM, SVDQualityPreset
from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler
from svd_studio.sampling.guidance import FrameGuidance
from svd_studio.sampling.quality import PRESETS, Quality

from nodes import KSampler, VAEDecode

WIDTH, HEIGHT, FRAMES, FPS, BUCKET, SEED = 256, 128, 14, 7, 127, 1
GUIDANCE = FrameGuidance(1.0, 2.5)
CORE_STEPS = 25


@dataclass(frozen=True)
class Seconds:
    """A film's three stages."""

    name: str
    conditioning: float
    sampling: float
    decoding: float

    @property
    def film(self) -> float:
        return self.conditioning + self.sampling + self.decoding


def measure(steps: int = CORE_STEPS) -> Iterator[Seconds]:
    """Core's 25 steps, then every preset from the quickest on; one film each.

    `steps`: how many of core's, fewer for a test of the bench.
    """
    comfy.utils.set_progress_bar_enabled(False)
    full_size_checkpoint()
    folder_paths.add_model_folder_path("checkpoints", str(FOLDER))
    with torch.inference_mode():
        loaded = ImageOnlyCheckpointLoader().load_checkpoint(NAME)
        _warm(loaded, _picture(0))
        yield film_of_core(loaded, _picture(1), steps)
        for number, (name, quality) in enumerate(PRESETS.items(), 2):
            yield film_of_pack(loaded, _picture(number), name, quality)


def _picture(number: int) -> torch.Tensor:
    """Each film has one of its own: what was encoded before is remembered."""
    generator = torch.Generator().manual_seed(number)
    return torch.rand(1, HEIGHT, WIDTH, 3, generator=generator)


def film_of_core(loaded: tuple, picture: torch.Tensor, steps: int) -> Seconds:
    """The usual graph: VideoLinearCFGGuidance, KSampler with euler and karras, VAE Decode."""
    model, image_encoder, vae = loaded
    watch = Watch()
    conditioning = SVD_img2vid_Conditioning().encode(
        image_encoder, picture.clone(), vae, WIDTH, HEIGHT, FRAMES, BUCKET, FPS, 0.0
    )
    watch.lap()
    (guided,) = VideoLinearCFGGuidance().patch(model, GUIDANCE.first)
    (latent,) = KSampler().sample(
        guided, SEED, steps, GUIDANCE.last, "euler", "karras", *conditioning
    )
    watch.lap()
    VAEDecode().decode(vae, latent)
    watch.lap()
    return Seconds(f"ComfyUI {steps}", *watch.laps)


def film_of_pack(loaded: tuple, picture: torch.Tensor, name: str, quality: Quality) -> Seconds:
    model, image_encoder, vae = loaded
    watch = Watch()
    conditioning = SVDConditioning.execute(
        image_encoder, vae, picture.clone(), WIDTH, HEIGHT, FRAMES, BUCKET, FPS, 0.0, SEED,
        "cover", "whole picture (reference)",
    ).args  # fmt: skip
    watch.lap()
    latent = _sampled(model, conditioning, quality)
    watch.lap()
    SVDDecode.execute(vae, latent)
    watch.lap()
    return Seconds(name, *watch.laps)


def _sampled(model: ModelPatcher, conditioning: tuple, quality: Quality) -> dict:
    model = with_guidance(model, GUIDANCE)
    model, steps, schedule, sampler, _ = SVDQualityPreset.execute(
        model, CUSTOM, True, **asdict(quality)
    ).args
    run = SamplerSettings(SEED, steps, schedule, sampler, 0.0, 0.0, GUIDANCE.last)
    return run_sampler(model, *conditioning, run)[0]


def _warm(loaded: tuple, picture: torch.Tensor) -> None:
    """Each network once, at another size: what is done at first use counts for nobody."""
    model, image_encoder, vae = loaded
    conditioning = SVD_img2vid_Conditioning().encode(
        image_encoder, picture.clone(), vae, 64, 64, 2, BUCKET, FPS, 0.0
    )
    (latent,) = KSampler().sample(model, SEED, 1, 1.0, "euler", "karras", *conditioning)
    VAEDecode().decode(vae, latent)


class Watch:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.laps: list[float] = []
        self._since = time.perf_counter()

    def lap(self) -> None:
        now = time.perf_counter()
        self.laps.append(now - self._since)
        self._since = now
