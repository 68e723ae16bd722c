"""A training run that survives being stopped: every step draws from its own seed."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch

from .processes import process_rank

log = logging.getLogger(__name__)


class Stage(Protocol):
    """What `run_stage` drives: a step, and everything that must outlive a restart."""

    def step(self, index: int, lr_scale: float) -> float: ...
    def state_dict(self) -> dict: ...
    def load_state_dict(self, state: dict) -> None: ...


def run_stage(
    stage: Stage,
    folder: Path,
    steps: int,
    save_every: int,
    on_save: Callable[[int], dict] | None = None,
) -> None:
    """Run `stage` to `steps`, resuming from `folder` when it was begun before.

    Writes `state.pt` (atomically) and one JSON line per save to `log.jsonl`: step, mean loss since
    the last line, steps per second, and what `on_save` measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state_file = folder / "state.pt"
    done = 0
    if state_file.exists():
        saved = torch.load(state_file, weights_only=True)  # noqa: TID251 - tensors and numbers
        stage.load_state_dict(saved["stage"])
        done = saved["step"]
        log.info("%s: resumed at step %d of %d", folder.name, done, steps)
    losses: list[float] = []
    since = time.monotonic()
    for index in range(done, steps):
        losses.append(stage.step(index, cosine_with_warmup(index, steps)))
        if (index + 1) % save_every and index + 1 != steps:
            continue
        if process_rank():
            continue  # the first process saves and speaks for all
        rate = len(losses) / (time.monotonic() - since)
        row = {"step": index + 1, "loss": sum(losses) / len(losses), "steps_per_second": rate}
        save_atomically({"step": index + 1, "stage": stage.state_dict()}, state_file)
        row |= on_save(index + 1) if on_save else {}
        with (folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        log.info("%s: %s", folder.name, json.dumps(row))
        losses, since = [], time.monotonic()


def cosine_with_warmup(index: int, steps: int, warmup: int = 40, floor: float = 0.01) -> float:
    """Learning-rate factor: linear rise over `warmup` steps, then half a cosine down to `floor`."""
    rise = min(1.0, (index + 1) / warmup)
    return rise * (0.5 + 0.5 * math.cos(math.pi * index / steps)) + floor


def save_atomically(state: dict, file: Path) -> None:
    part = file.with_suffix(".part")
    torch.save(state, part)
    part.replace(file)
