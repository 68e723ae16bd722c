"""One training run's state: what a step does, what is validated, what must outlive a restart."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..clips.clip_set import CachedClip, ClipEntry, ClipSet
from ..objective import v_target
from ..optimizer import exponential_average
from .conditioning import LATENT_SCALE, ClipConditioning, Denoiser, conditioning_of
from .recipe import LoraRecipe

VALIDATION_SIGMAS = (0.5, 2.0, 8.0, 32.0)
CLIPS_IN_MEMORY = 64

LoadClip = Callable[[ClipEntry], CachedClip]


class DivergedError(ValueError):
    """The loss is no number any more; the weights are those of the step before."""


class LoraStage:
    """`adapters` hold float32 factors on the denoiser's layers; nothing else is trained."""

    def __init__(
        self,
        denoiser: Denoiser,
        adapters: nn.Module,
        clips: ClipSet,
        load: LoadClip,
        recipe: LoraRecipe,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self.denoiser, self.adapters, self.recipe = denoiser, adapters, recipe
        self.optimizer = optimizer
        self.clips, self.load = clips, lru_cache(CLIPS_IN_MEMORY)(load)
        self.average = exponential_average(adapters, recipe.ema_decay) if recipe.ema_decay else None
        self.losses: list[float] = []
        self.validations: list[tuple[int, float]] = []

    @property
    def device(self) -> torch.device:
        return next(self.adapters.parameters()).device

    def step(self, index: int, lr_scale: float) -> float:
        """One update; every draw comes from the recipe's seed and `index` alone.

        Raises `DivergedError`, before anything is changed, when there is nothing to learn from.
        """
        count = self.recipe.accumulation
        loss = sum(self._backward(index, micro) / count for micro in range(count))
        trained = [p for p in self.adapters.parameters() if p.requires_grad]
        norm = nn.utils.clip_grad_norm_(trained, 1.0)
        if not (math.isfinite(loss) and norm.isfinite()):
            self.optimizer.zero_grad(set_to_none=True)
            raise DivergedError(
                f"The loss of step {index + 1} is {loss:g}, or its gradients are no numbers: lower "
                "the learning rate, or train in fp32. What was trained before is kept."
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * lr_scale
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update_parameters(self.adapters)
        self.losses.append(loss)
        return loss

    def _backward(self, index: int, micro: int) -> float:
        rng = random.Random(f"{self.recipe.seed}-lora-{index}-{micro}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        clips = [(entry, self.load(entry)) for entry in self._draw(rng)]
        cond = conditioning_of(clips, [self._variant(clip, rng) for _, clip in clips])
        keep = torch.rand(len(clips), generator=generator) >= self.recipe.cond_dropout
        sigma = self.recipe.sigmas.sample(len(clips), generator)
        loss = self._loss(clips, sigma, cond.dropped(keep.float()), generator).mean()
        (loss / self.recipe.accumulation).backward()
        return loss.item()

    def _draw(self, rng: random.Random) -> list[ClipEntry]:
        """Clips of one shape; every clip is as likely as any other to be the first."""
        first = rng.choice(self.clips.training)
        alike = [entry for entry in self.clips.training if entry.shape == first.shape]
        return [first, *rng.choices(alike, k=self.recipe.batch_size - 1)]

    def _variant(self, clip: CachedClip, rng: random.Random) -> int:
        noisy = len(clip.cond_aug) > 1 and rng.random() < self.recipe.cond_noise
        return rng.randrange(1, len(clip.cond_aug)) if noisy else 0

    def _loss(
        self,
        clips: list[tuple[ClipEntry, CachedClip]],
        sigma: Tensor,
        cond: ClipConditioning,
        generator: torch.Generator,
    ) -> Tensor:
        """The v-loss of every clip, (B,)."""
        x0 = torch.stack([clip.latents for _, clip in clips]) * LATENT_SCALE
        noise = torch.randn(x0.shape, generator=generator)
        x0, noise, sigma = (t.to(self.device) for t in (x0, noise, sigma))
        level = sigma.view(-1, 1, 1, 1, 1)
        output = self.denoiser(x0 + level * noise, sigma, cond.to(self.device))
        return (output - v_target(x0, noise, level)).square().mean(dim=(1, 2, 3, 4))

    @torch.no_grad()
    def validate(self, step: int) -> float | None:
        """Mean v-loss of the held-out clips at fixed noise levels and noise; None without any."""
        losses = []
        with self.averaged():
            for number, entry in enumerate(self.clips.held_out):
                generator = torch.Generator().manual_seed(self.recipe.seed + number)
                clip = (entry, self.load(entry))
                for sigma in VALIDATION_SIGMAS:
                    cond = conditioning_of([clip], [0])
                    level = torch.tensor([sigma])
                    losses.append(self._loss([clip], level, cond, generator).item())
        if not losses:
            return None
        self.validations.append((step, sum(losses) / len(losses)))
        return self.validations[-1][1]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the block the adapters hold the average, which is what ships."""
        if self.average is None or not int(self.average.n_averaged):
            yield
            return
        current = {k: v.clone() for k, v in self.adapters.state_dict().items()}
        self.adapters.load_state_dict(self.average.module.state_dict())
        try:
            yield
        finally:
            self.adapters.load_state_dict(current)

    def state_dict(self) -> dict:
        return {
            "adapters": self.adapters.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "validations": torch.tensor(self.validations, dtype=torch.float64).reshape(-1, 2),
        }

    def load_state_dict(self, state: dict) -> None:
        self.adapters.load_state_dict(state["adapters"])
        if isinstance(self.average, AveragedModel):
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.losses = state["losses"].tolist()
        self.validations = [(int(step), loss) for step, loss in state["validations"].tolist()]
