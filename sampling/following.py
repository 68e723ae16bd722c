"""Three ways to make a stock model follow a guide. All act in sigma, not in step numbers.

`x` and `x0` are latents (T, 4, h, w) in the model's scale; `denoise(x, sigma)` gives x0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import CameraPath
from .sigmas import steps_within
from .view import homographies

Denoise = Callable[[Tensor, Tensor], Tensor]
Report = Callable[[int, Tensor, Tensor], None]


class Method(str, Enum):
    CLOCK = "clock"
    REFINE = "refine"
    WARP = "warp"


@dataclass(frozen=True)
class Following:
    """A method and the range of sigma in which it acts: from `start_sigma` down to `end_sigma`.

    `holes_sigma`: where clock frees what the guide made up; None: from the start. `strength` 0..1:
    how much of the guide is taken. `rounds`: evaluations a step of refine; `most_warps`: steps at
    which warp acts.
    """

    method: Method
    start_sigma: float
    end_sigma: float
    holes_sigma: float | None = None
    strength: float = 1.0
    rounds: int = 3
    most_warps: int = 5

    def __post_init__(self) -> None:
        if not self.start_sigma > self.end_sigma >= 0:
            raise ValueError(
                f"The guide acts from sigma {self.start_sigma:g} to {self.end_sigma:g}: the start "
                "must be above the end. Noise falls while sampling."
            )

    @property
    def first_sigma(self) -> float | None:
        """Where to start sampling from the guide's own latents; None: from all noise."""
        return None if self.method is Method.WARP else self.start_sigma

    def describe(self, sigmas: Tensor) -> str:
        return (
            f"camera guide by {self.method.value}, sigma {self.start_sigma:g} to "
            f"{self.end_sigma:g}, {len(self.steps_inside(sigmas))} steps, "
            f"{self.extra_evaluations(sigmas)} extra evaluations"
        )

    def steps_inside(self, sigmas: Tensor) -> list[int]:
        """The steps, by number, that begin within the range."""
        return steps_within(sigmas, self.start_sigma, self.end_sigma)

    def extra_evaluations(self, sigmas: Tensor) -> int:
        """Network evaluations beside one a step."""
        steps = len(self.steps_inside(sigmas))
        if self.method is Method.REFINE:
            return steps * (self.rounds - 1)
        return min(steps, self.most_warps) if self.method is Method.WARP else 0


# svd-mini, which is small, keeps to its own motion down to far lower sigmas than SVD, and invents
# little: what is mirrored beyond the picture's edge is a better start than its own idea.
MINI_END_SIGMA = 0.3
MINI_HOLES_SIGMA = 1.0

# Time-to-Move's numbers for SVD (its steps 16 and 21 of 50 over Karras' schedule); those of
# ViewExtrapolator (15 of 25 steps); and the range in which SVD decides on motion for the warp.
DEFAULTS = {
    Method.CLOCK: Following(Method.CLOCK, 75.0, 31.0),
    Method.REFINE: Following(Method.REFINE, 75.0, 4.0),
    Method.WARP: Following(Method.WARP, 100.0, 20.0),
}


def clock_mask(sigma: Tensor, free: Tensor, following: Following) -> Tensor:
    """Dual clock (Time-to-Move, arXiv 2511.08633): where the model is free at `sigma`.

    `free` (T, 1, h, w) is 1 where the guide knows nothing. While sigma > end_sigma the known part
    is x = z + sigma * eps with the guide's latents z and one noise eps, as native inpainting has
    it; below, all of it is the model's: x_{i+1} = m * (z + sigma_{i+1} eps) + (1 - m) * x_{i+1}.
    What the guide made up has a clock of its own, `holes_sigma`.
    """
    now = float(sigma.max())
    if now <= following.end_sigma:
        return torch.ones_like(free)
    if following.holes_sigma is not None and now > following.holes_sigma:
        free = torch.zeros_like(free)
    return 1 - following.strength * (1 - free)


def refine(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    generator: torch.Generator,
    report: Report,
    guide: Tensor,
    free: Tensor,
    rounds: int,
) -> Tensor:
    """Predict, replace, noise again (ViewExtrapolator, arXiv 2411.14208, section 3.3; RePaint).

    Each step: x0 <- m z + (1 - m) D(x), x <- x0 + sigma eps' with new noise, `rounds` - 1 times,
    so that what is free can settle beside what is known; then an Euler step from the last x0.
    """
    for step, (sigma, below) in enumerate(pairwise(sigmas)):
        for left in reversed(range(rounds)):
            x0 = guide + free * (denoise(x, sigma) - guide)
            if left:
                noise = torch.randn(x.shape, generator=generator).to(x)
                x = x0 + sigma * noise
        report(step, x0, x)
        x = x0 + (x - x0) * (below / sigma)
    return x


def warp(
    denoise: Denoise,
    x: Tensor,
    sigmas: Tensor,
    report: Report,
    path: CameraPath,
    most_warps: int,
) -> Tensor:
    """Move what the model believes in (CamProbe, arXiv 2605.14815, section 4).

    x0 = D(x), eps = (x - x0) / sigma; x <- W(x0) + sigma eps; D again; Euler. W moves every frame
    by its homography. The warps, at most `most_warps`, share the path out among them, so that the
    sum of what they do is the path and not a multiple of it.
    """
    steps = len(sigmas) - 1
    warps = min(steps, most_warps)
    at = {round(i * steps / warps) for i in range(warps)}
    matrices = homographies(path.scaled(1 / warps), x.shape[0])
    for step, (sigma, below) in enumerate(pairwise(sigmas)):
        x0 = denoise(x, sigma)
        if step in at:
            x = warp_latents(x0, matrices) + (x - x0)
            x0 = denoise(x, sigma)
        report(step, x0, x)
        x = x0 + (x - x0) * (below / sigma)
    return x


def warp_latents(latents: Tensor, matrices: Tensor) -> Tensor:
    """Each frame of (T, 4, h, w) moved by its homography; the edge is drawn on beyond it."""
    height, width = latents.shape[2:]
    ys, xs = torch.meshgrid(
        (torch.arange(height, dtype=torch.float64) - (height - 1) / 2) / width,
        (torch.arange(width, dtype=torch.float64) - (width - 1) / 2) / width,
        indexing="ij",
    )
    points = torch.stack([xs, ys, torch.ones_like(xs)], dim=-1)
    back = torch.linalg.inv(matrices.cpu().double())
    places = torch.einsum("tij,hwj->thwi", back, points)
    places = places[..., :2] / places[..., 2:].clamp(min=1e-6)
    size = torch.tensor([width - 1, height - 1], dtype=torch.float64)
    grid = (places * width / size * 2).clamp(-4, 4).to(latents)
    # bicubic: several warps in a row must not blur
    return F.grid_sample(latents, grid, "bicubic", "border", align_corners=True)
