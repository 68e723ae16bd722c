"""Fit the schedule "svd-studio" to svd-mini.

    python3 studio.py fit-schedule --steps 10 --sampler dpmpp_2m --guided 1 3 5 7 [--rounds N]

makes the films of four training pictures in 200 steps, then moves the sigmas of so many steps to
where the sampler's films come nearest to them, with an unconditional pass at the steps --guided
only and its difference carried on between. Each of the rounds makes a film of every picture for
every step; ten minutes on two cores. The sigmas that it prints belong into sampling/sigmas.py.
"""

from comfy_runtime import start_core

start_core("--cpu")

import argparse  # noqa: E402 - core's options come first
import math  # noqa: E402
import random  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from speed_films import GUIDANCE, LATENT_SCALE, TRUTH, Lab  # noqa: E402
from svd_studio.models.patches.guidance import with_guidance, with_guidance_plan  # noqa: E402
from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler  # noqa: E402
from svd_studio.sampling.guidance import GuidancePlan  # noqa: E402
from svd_studio.sampling.sigmas import make_sigmas  # noqa: E402
from svd_studio.training.schedule import fit_schedule  # noqa: E402
from torch import Tensor  # noqa: E402
from train_mini import ROOT, pictures  # noqa: E402

PICTURES = 4


@dataclass(frozen=True)
class GuidedAt(GuidancePlan):
    """The unconditional pass at these sigmas: a trial schedule must not change which steps."""

    sigmas: tuple[float, ...] = ()

    def guides(self, sigma: float) -> bool:
        return True

    def needs_uncond(self, sigma: float, last: float | None) -> bool:
        return any(math.isclose(sigma, guided, rel_tol=1e-4) for guided in self.sigmas)


class Fit:
    """What films are off, each weighed by how far off it is with the schedule to begin with."""

    def __init__(self, lab: Lab, sampler: str, guided: list[int]) -> None:
        self.lab, self.sampler, self.guided = lab, sampler, guided
        self.truths = [lab.film(TRUTH, photo).latents for photo in range(PICTURES)]
        self.weights: list[float] = []

    def residuals(self, sigmas: Tensor) -> np.ndarray:
        off = [
            (self.film(photo, sigmas) - truth).flatten().double().numpy()
            for photo, truth in enumerate(self.truths)
        ]
        if not self.weights:
            self.weights = [float(np.sqrt((film**2).mean())) for film in off]
            print("films are off by", [round(weight, 4) for weight in self.weights], flush=True)
        return np.concatenate([f / w for f, w in zip(off, self.weights, strict=True)])

    def film(self, photo: int, sigmas: Tensor) -> Tensor:
        plan = GuidedAt(sigmas=tuple(float(sigmas[step]) for step in self.guided))
        model = with_guidance_plan(with_guidance(self.lab.svd.model, GUIDANCE), plan)
        settings = SamplerSettings(photo, 1, "karras", self.sampler, 0.0, 0.0, GUIDANCE.last)
        latent, _ = run_sampler(model, *self.lab.conditioning(photo), settings, sigmas)
        return latent["samples"] * LATENT_SCALE


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--sampler", default="dpmpp_2m")
    parser.add_argument("--guided", type=int, nargs="+", default=[1, 3, 5, 7])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--state", type=Path, default=ROOT / ".runtime" / "train-mini")
    args = parser.parse_args()
    train = [p for p in pictures(args.state).train if "templates/" in p.name]
    fit = Fit(Lab(random.Random(5).sample(train, PICTURES)), args.sampler, args.guided)
    start = make_sigmas("align-your-steps", args.steps, 700.0, 0.002)
    fitted = fit_schedule(fit.residuals, start, args.rounds)
    print(f"off by {fitted.after / fitted.before:.3f} of what align-your-steps is off")
    print("sigmas", [float(f"{sigma:.4g}") for sigma in fitted.sigmas])


if __name__ == "__main__":
    main()
