"""From a guide to a MODEL that follows it: defaults for this model, encoding, and the report."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import torch
from comfy.model_patcher import ModelPatcher

from ..models.loader import info_of
from ..models.patches.following import GuideLatents, following_of, with_following
from ..sampling.camera import CameraPath
from ..sampling.camera_limits import warnings
from ..sampling.following import DEFAULTS, MINI_END_SIGMA, MINI_HOLES_SIGMA, Following, Method
from ..sampling.guide import MotionGuide
from ..sampling.motion import motion_bucket_of
from ..sampling.view import mean_flow
from .run_encode import encode_film

log = logging.getLogger(__name__)

TIME_TO_MOVE_BUCKET = 17  # what its authors tell SVD under a guide


@dataclass(frozen=True)
class FollowingSettings:
    """The widgets. A sigma of 0 is the method's own for this model."""

    method: Method
    strength: float
    start_sigma: float = 0.0
    end_sigma: float = 0.0
    holes_sigma: float = 0.0
    rounds: int = 3
    softness: int = 1


def apply_guide(
    model: ModelPatcher, vae: object, guide: MotionGuide, settings: FollowingSettings
) -> tuple[ModelPatcher, dict]:
    """The MODEL and the LATENT to sample. At strength 0 the model itself and an empty latent."""
    frames, height, width, _ = guide.frames.shape
    if settings.strength == 0:
        return model, {"samples": torch.zeros(frames, 4, height // 8, width // 8)}
    if settings.method is Method.WARP and guide.path is None:
        raise ValueError(
            "The method warp needs a camera path, and this guide was made of frames: choose clock "
            "or refine."
        )
    free = guide.latent_mask(settings.softness)
    latents = GuideLatents(encode_guide(vae, guide, settings.method), free, guide.path)
    return with_following(model, latents, following_for(model, settings))


def encode_guide(vae: object, guide: MotionGuide, method: Method) -> torch.Tensor:
    """Latents (T, 4, h, w). warp needs none of the guide's: zeros, without encoding."""
    if method is Method.WARP:
        frames, height, width, _ = guide.frames.shape
        return torch.zeros(frames, 4, height // 8, width // 8)
    return encode_film(vae, guide.frames)


def following_for(model: ModelPatcher, settings: FollowingSettings) -> Following:
    default = DEFAULTS[settings.method]
    info = info_of(model)
    if info and info.variant == "svd-mini":
        default = replace(default, end_sigma=MINI_END_SIGMA, holes_sigma=MINI_HOLES_SIGMA)
    return replace(
        default,
        start_sigma=settings.start_sigma or default.start_sigma,
        end_sigma=settings.end_sigma or default.end_sigma,
        holes_sigma=settings.holes_sigma or default.holes_sigma,
        strength=settings.strength,
        rounds=settings.rounds,
    )


def describe_guide(model: ModelPatcher, guide: MotionGuide, flat: bool) -> str:
    """How the model follows, how much of the picture stays in sight, and warnings of the path."""
    following = following_of(model)
    held = "no guide: strength is 0"
    if following:
        held = f"{following.method.value} from sigma {following.start_sigma:g} to "
        held += f"{following.end_sigma:g}"
    frames, height, width, _ = guide.frames.shape
    cautions = warnings(guide.path, frames, height / width, flat) if guide.path else []
    for caution in cautions:
        log.warning("SVD Studio: %s", caution)
    lines = [held, f"{100 * guide.seen:.0f} % of the emptiest frame shows the picture", *cautions]
    return "\n".join(lines)


def bucket_for(model: ModelPatcher, path: CameraPath, film: torch.Size, fps: float) -> int:
    """The motion bucket that fits the move: svd-mini's means a speed, SVD's is Time-to-Move's."""
    info = info_of(model)
    if not info or info.variant != "svd-mini":
        return TIME_TO_MOVE_BUCKET
    frames, height, width, _ = film
    return motion_bucket_of(mean_flow(path, frames, height / width), fps)
