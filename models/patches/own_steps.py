"""Steps of our own within a range of sigma; before and after it, the sampler that the user chose.

Some methods move the noisy latent itself, which no hook around one evaluation may do. They take
over core's sampler for as long as they act, and only then, so that they work with every sampler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.samplers import KSAMPLER, KSamplerX0Inpaint
from torch import Tensor

from ...sampling.sigmas import steps_within

NOISE_OF_OUR_OWN = 0x5D1C0DE  # core draws the first noise from the seed itself

Denoise = Callable[[Tensor, Tensor], Tensor]  # x (T, 4, h, w) and sigma () -> x0
Report = Callable[[int, Tensor, Tensor], None]  # step done, x0, x: progress and preview
OwnSteps = Callable[[Denoise, Tensor, Tensor, torch.Generator, Report], Tensor]


def with_own_steps(
    model: ModelPatcher, key: str, steps: OwnSteps, start_sigma: float, end_sigma: float
) -> ModelPatcher:
    """A clone that goes by `steps` where end_sigma < sigma <= start_sigma.

    `steps(denoise, x, sigmas, generator, report)` gets the noisy latent at sigmas[0] and returns
    the one at sigmas[-1]. The generator, on the CPU, is seeded by the run's seed.
    """

    def sample(executor: Callable, *args: Any) -> Tensor:  # noqa: ANN401 - as core passes them
        run = _Run(*args)
        inside = steps_within(run.sigmas, start_sigma, end_sigma)
        if not inside:
            return executor(*args)
        first, last = inside[0], inside[-1] + 1
        x = run.part(executor, 0, first, None)
        x = run.part(KSAMPLER(_as_sampler_function(steps)).sample, first, last, x)
        return run.part(executor, last, run.steps, x)

    patched = model.clone()
    patched.remove_wrappers_with_key(WrappersMP.SAMPLER_SAMPLE, key)
    patched.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, key, sample)
    return patched


@dataclass
class _Run:
    """Core's arguments of one sampler run, in core's order."""

    model_wrap: Any
    sigmas: Tensor
    extra_args: dict[str, Any]
    callback: Callable | None
    noise: Tensor
    latent_image: Tensor
    denoise_mask: Tensor | None = None
    disable_pbar: bool = False

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    def part(self, sample: Callable, begin: int, end: int, x: Tensor | None) -> Tensor | None:
        """From sigmas[begin] to sigmas[end]; `x` is the noisy latent, None before the first."""
        if begin == end:
            return x

        def told(step: int, x0: Tensor, x: Tensor, _part_of_the_steps: int) -> None:
            self.callback(begin + step, x0, x, self.steps)

        # Core makes the noisy latent out of its noise: give it the noise that makes this one.
        noise = self.noise if x is None else (x - self.latent_image) / self.sigmas[begin]
        return sample(
            self.model_wrap,
            self.sigmas[begin : end + 1],
            self.extra_args,
            told if self.callback else None,
            noise,
            self.latent_image,
            self.denoise_mask,
            self.disable_pbar,
        )


def _as_sampler_function(steps: OwnSteps) -> Callable:
    """`steps` in the form of core's k-diffusion functions."""

    def sample(
        model: KSamplerX0Inpaint,
        x: Tensor,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Callable | None = None,
        disable: bool | None = None,
    ) -> Tensor:
        batch = x.new_ones([x.shape[0]])

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            return model(x, sigma * batch, **extra_args)

        def report(step: int, x0: Tensor, x: Tensor) -> None:
            if callback is not None:
                callback({"i": step, "denoised": x0, "x": x})

        generator = torch.Generator().manual_seed((extra_args.get("seed") or 0) ^ NOISE_OF_OUR_OWN)
        return steps(denoise, x, sigmas, generator, report)

    return sample
