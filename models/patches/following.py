"""Putting a guide on a MODEL, for any sampler of core."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...sampling.camera import CameraPath
from ...sampling.following import Denoise, Following, Method, Report, clock_mask, refine, warp
from .own_steps import with_own_steps

FOLLOWING_KEY = "svd_studio_following"


@dataclass(frozen=True)
class GuideLatents:
    """What a MODEL follows: `latents` (T, 4, h, w) as the VAE gives them, `free` (T, 1, h, w).

    `path` is what `warp` goes by.
    """

    latents: Tensor
    free: Tensor
    path: CameraPath | None = None


def with_following(
    model: ModelPatcher, guide: GuideLatents, following: Following
) -> tuple[ModelPatcher, dict[str, Tensor]]:
    """A clone that follows `guide`, and the LATENT to sample from."""
    patched = without_following(model)
    latent = {"samples": guide.latents}
    if following.method is Method.CLOCK:
        patched.set_model_denoise_mask_function(partial(_clock, following))
        latent["noise_mask"] = guide.free
    elif following.method is Method.REFINE:
        steps = partial(_refine, guide=_in_model_scale(model, guide), following=following)
        patched = with_own_steps(
            patched, FOLLOWING_KEY, steps, following.start_sigma, following.end_sigma
        )
    else:
        steps = partial(_warp, guide=guide, following=following)
        patched = with_own_steps(
            patched, FOLLOWING_KEY, steps, following.start_sigma, following.end_sigma
        )
        latent = {"samples": guide.latents.new_zeros(guide.latents.shape)}
    patched.set_attachments(FOLLOWING_KEY, following)
    return patched, latent


def without_following(model: ModelPatcher) -> ModelPatcher:
    """A clone that follows nothing."""
    patched = model.clone()
    patched.model_options.pop("denoise_mask_function", None)
    patched.remove_wrappers_with_key(WrappersMP.SAMPLER_SAMPLE, FOLLOWING_KEY)
    patched.attachments.pop(FOLLOWING_KEY, None)
    return patched


def following_of(model: ModelPatcher) -> Following | None:
    """What `with_following` put on this model or an ancestor of it."""
    return model.attachments.get(FOLLOWING_KEY)


def _in_model_scale(model: ModelPatcher, guide: GuideLatents) -> GuideLatents:
    return GuideLatents(model.model.process_latent_in(guide.latents), guide.free, guide.path)


def _clock(
    following: Following,
    sigma: Tensor,
    denoise_mask: Tensor,
    extra_options: dict[str, Any] | None = None,
) -> Tensor:
    return clock_mask(sigma, denoise_mask, following)


def _refine(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    generator: Any,  # noqa: ANN401 - torch.Generator
    report: Report,
    guide: GuideLatents,
    following: Following,
) -> Tensor:
    free = 1 - following.strength * (1 - guide.free.to(x))
    return refine(
        denoise, x, sigmas, generator, report, guide.latents.to(x), free, following.rounds
    )


def _warp(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    generator: Any,  # noqa: ANN401
    report: Report,
    guide: GuideLatents,
    following: Following,
) -> Tensor:
    return warp(denoise, x, sigmas, report, guide.path, following.most_warps)
