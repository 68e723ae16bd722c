"""One denoising run through core's samplers, and the report of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from comfy.model_patcher import ModelPatcher

from ..models.loader import info_of
from ..models.patches.ends import ends_of
from ..models.patches.evaluations import counting
from ..models.patches.few_step import few_step_of
from ..models.patches.following import following_of
from ..models.patches.guidance import (
    guidance_of,
    guidance_plan_of,
    has_foreign_guidance,
    with_guidance,
)
from ..models.patches.lora import loras_of
from ..models.patches.memory import memory_run_of, with_memory_plan
from ..models.patches.step_cache import step_cache_of
from ..models.patches.svd_only import is_svd
from ..sampling.ends import Ends
from ..sampling.few_step import SCHEDULES as FEW_STEP_SCHEDULES
from ..sampling.guidance import PRESETS, FrameGuidance
from ..sampling.memory import GIBI
from ..sampling.peak import PeakMemory
from ..sampling.sigmas import make_sigmas
from .memory_events import MemoryEvents

CIRCULAR = "svd_studio_circular"  # in a LATENT: SVD Decode looks around the ends of a loop


@dataclass(frozen=True)
class SamplerSettings:
    """The widgets of SVD Sampler. A sigma of 0 means the model's own end of the range."""

    seed: int
    steps: int
    schedule: str
    sampler: str
    start_sigma: float
    end_sigma: float
    cfg: float
    add_noise: bool = True


def run_sampler(
    model: ModelPatcher,
    positive: list,
    negative: list,
    latent: dict,
    settings: SamplerSettings,
    sigmas: torch.Tensor | None = None,
    events: MemoryEvents | None = None,
) -> tuple[dict, str]:
    """Denoise `latent`, (T, 4, h, w) in its "samples"; returns it and a report.

    With all of the range and none of the extras this is core's KSampler, number for number.
    """
    model, guidance = _guided(_planned(model))
    model = events.watching(model) if events else model
    model, evaluations = counting(model)
    schedule = "sigmas of another node"
    if sigmas is None:
        schedule, sigmas = settings.schedule, sigmas_for(model, settings)
    samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
    if settings.add_noise:
        noise = comfy.sample.prepare_noise(samples, settings.seed, latent.get("batch_index"))
    else:
        noise = torch.zeros_like(samples)
    cfg = settings.cfg if guidance is None else max(guidance.first, guidance.last)
    started = time.monotonic()
    with PeakMemory(model.load_device) as memory:
        result = comfy.sample.sample_custom(
            model,
            noise,
            1.0 if guidance and not guidance.needs_uncond else cfg,
            comfy.samplers.sampler_object(settings.sampler),
            sigmas,
            positive,
            negative,
            samples,
            noise_mask=latent.get("noise_mask"),
            callback=latent_preview.prepare_callback(model, len(sigmas) - 1),
            disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
            seed=settings.seed,
        )
    report = [
        *_describe(model, result, guidance, settings),
        f"{len(sigmas) - 1} steps of {settings.sampler}, {schedule}, "
        f"sigma {float(sigmas[0]):g} to {float(sigmas[-1]):g}",
        *_followed(model, sigmas),
        evaluations.describe(guided=guidance is None or guidance.needs_uncond),
        *_reused(model),
        _pace(time.monotonic() - started, len(sigmas) - 1),
        *_memory(model, memory.peak),
    ]
    loop = {CIRCULAR: True} if is_circular(model) else {}
    return latent | {"samples": result} | loop, "\n".join(report)


def sigmas_for(model: ModelPatcher, settings: SamplerSettings) -> torch.Tensor:
    """The schedule between the two sigmas of `settings`, within the model's range.

    A guide's latents are where sampling starts: no step is spent above its start sigma. As core
    does, for samplers that evaluate between sigmas the last one above zero is left out.
    """
    sampling = model.get_model_object("model_sampling")
    low, high = float(sampling.sigma_min), float(sampling.sigma_max)
    following = following_of(model)
    own_start = following.first_sigma if following else None
    start = min(settings.start_sigma or own_start or high, high)
    end = settings.end_sigma
    if settings.schedule in FEW_STEP_SCHEDULES:
        sigmas = FEW_STEP_SCHEDULES[settings.schedule].sigmas(settings.steps, start)
        return torch.cat([sigmas[sigmas > end], sigmas.new_tensor([end])])
    if end or settings.sampler not in comfy.samplers.KSampler.DISCARD_PENULTIMATE_SIGMA_SAMPLERS:
        return make_sigmas(settings.schedule, settings.steps, start, end or low, to_zero=not end)
    sigmas = make_sigmas(settings.schedule, settings.steps + 1, start, low, to_zero=True)
    return torch.cat([sigmas[:-2], sigmas[-1:]])


def preset_of(model: ModelPatcher) -> FrameGuidance:
    """The guidance that suits the weights of a MODEL, its LoRAs included."""
    few_step, info = few_step_of(model), info_of(model)
    return few_step.guidance if few_step else PRESETS[info.variant if info else "svd"]


def _planned(model: ModelPatcher) -> ModelPatcher:
    """The model with a memory plan on it: that of SVD Memory Plan, or one for what is free."""
    return with_memory_plan(model, None) if is_svd(model) and not memory_run_of(model) else model


def _guided(model: ModelPatcher) -> tuple[ModelPatcher, FrameGuidance | None]:
    """The model with some guidance on it; None when it is another node's."""
    if has_foreign_guidance(model):
        return model, None
    guidance = guidance_of(model) or preset_of(model)
    return with_guidance(model, guidance), guidance


def _describe(
    model: ModelPatcher,
    result: torch.Tensor,
    guidance: FrameGuidance | None,
    settings: SamplerSettings,
) -> list[str]:
    info = info_of(model)
    frames, _, height, width = result.shape
    scales = guidance.describe() if guidance else f"of another node, cfg {settings.cfg:g}"
    return [
        info.describe() if info else "a model from another loader",
        *(lora.describe() for lora in loras_of(model)),
        f"{frames} frames of {width * 8}x{height * 8}, seed {settings.seed}",
        f"guidance {scales}{guidance_plan_of(model).describe()}",
    ]


def _followed(model: ModelPatcher, sigmas: torch.Tensor) -> list[str]:
    following, ends = following_of(model), ends_of(model)
    lines = [following.describe(sigmas)] if following else []
    return [*lines, ends.describe()] if ends else lines


def _reused(model: ModelPatcher) -> list[str]:
    cache = step_cache_of(model)
    return [cache.describe()] if cache else []


def is_circular(model: ModelPatcher) -> bool:
    """The film's last frame is followed by its first."""
    ends = ends_of(model)
    return ends is not None and ends.ends is Ends.LOOP


def _memory(model: ModelPatcher, peak: int) -> list[str]:
    run = memory_run_of(model)
    of = "of the device" if model.load_device.type == "cuda" else "of this process"
    return [*([run.describe()] if run else []), f"measured peak {peak / GIBI:.2f} GiB {of}"]


def _pace(seconds: float, steps: int) -> str:
    return f"{seconds:.1f} s, {seconds / steps:.2f} s a step"
