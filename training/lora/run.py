"""One training run from its folder: begun, gone on with after a stop, and what it made."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...video.disk import clear_disk_errors
from ..resumable import STATE, run_stage
from .recipe import LoraRecipe
from .stage import LoraStage

SETTINGS = "settings.json"
# What may change when a run goes on: how long it is, how often it is looked at, in what memory.
MAY_CHANGE = ("steps", "validate_every", "save_every", "checkpointing")


@dataclass(frozen=True)
class Progress:
    """Where a run stands. `losses` of every step; `validations` of (step, loss)."""

    step: int
    steps: int
    losses: tuple[float, ...]
    validations: tuple[tuple[int, float], ...]
    seconds_left: float

    @property
    def loss(self) -> float:
        """Mean of the last 50 steps: one step's loss says more about its sigma than about it."""
        recent = self.losses[-50:]
        return sum(recent) / max(1, len(recent))

    def describe(self) -> str:
        text = f"step {self.step} of {self.steps}, loss {self.loss:.4f}"
        if self.validations:
            text += f", validation {self.validations[-1][1]:.4f}"
            text += f" (was {self.validations[0][1]:.4f})"
        return f"{text}, {_duration(self.seconds_left)} left" if self.step < self.steps else text


def claim(folder: Path, recipe: LoraRecipe, base: str, clips: str) -> None:
    """Make `folder` this run's, or go on with it; `base` and `clips` tell model and data.

    Raises ValueError when the folder belongs to a run with other settings.
    """
    settings = {k: v for k, v in recipe.settings().items() if k not in MAY_CHANGE}
    settings |= {"base": base, "clips": clips}
    file = folder / SETTINGS
    if (folder / STATE).exists() and file.exists():
        begun = json.loads(file.read_text(encoding="utf-8"))
        other = [k for k in settings if begun.get(k) != settings[k]]
        if other:
            changes = ", ".join(f"{k} was {begun.get(k)}, now {settings[k]}" for k in other)
            raise ValueError(
                f"The run in {folder} was begun with other settings ({changes}): set them back to "
                "go on with it, or give the new run another name."
            )
    with clear_disk_errors(file, "the training run"):
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings, indent=1), encoding="utf-8")


def run_lora(
    stage: LoraStage,
    folder: Path,
    on_progress: Callable[[Progress], None],
    on_validation: Callable[[Progress], None] | None = None,
) -> Progress:
    """Train to the recipe's last step, going on from what `folder` holds; returns where it ended.

    `on_progress` hears of every step, `on_validation` after each validation (with the average's
    weights in `stage.averaged()`). Whatever they raise stops the run and keeps it.
    """
    recipe = stage.recipe
    clock = _Clock(recipe.steps)

    def on_step(step: int, _: float) -> None:
        if step % recipe.validate_every == 0 or step == recipe.steps:
            stage.validate(step)
            if on_validation is not None:
                on_validation(clock.progress(stage, step))
        on_progress(clock.progress(stage, step))

    if not (folder / STATE).exists():
        stage.validate(0)
    run_stage(stage, folder, recipe.steps, recipe.save_every, on_step=on_step, warmup=recipe.warmup)
    return clock.progress(stage, len(stage.losses))


class _Clock:
    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.begun: tuple[int, float] | None = None

    def progress(self, stage: LoraStage, step: int) -> Progress:
        """The time left is that of the steps since this start, the first one left out."""
        now = time.monotonic()
        first, since = self.begun or (step, now)
        self.begun = (first, since)
        pace = (now - since) / max(1, step - first)
        left = pace * (self.steps - step)
        return Progress(step, self.steps, tuple(stage.losses), tuple(stage.validations), left)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
