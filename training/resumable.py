"""A training run that survives being stopped: every step draws from its own seed."""

from __future__ import annotations

import io
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import torch

from ..video.disk import clear_disk_errors
from .processes import process_rank

log = logging.getLogger(__name__)

STATE = "state.pt"


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
    on_step: Callable[[int, float], None] | None = None,
    warmup: int = 40,
) -> None:
    """Run `stage` to `steps`, resuming from `folder` when it was begun before.

    Writes `state.pt` (atomically) and one JSON line per save to `log.jsonl`: step, mean loss since
    the last line, steps per second, and what `on_save` measured. `on_step` hears of every step and
    its loss; when it raises, the run is saved up to there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = resume(stage, folder)
    losses: list[float] = []
    since = time.monotonic()
    for index in range(done, steps):
        losses.append(stage.step(index, cosine_with_warmup(index, steps, warmup)))
        if on_step is not None:
            with _saved_if_stopped(stage, folder, index + 1):
                on_step(index + 1, losses[-1])
        if (index + 1) % save_every and index + 1 != steps:
            continue
        if process_rank():
            continue  # the first process saves and speaks for all
        rate = len(losses) / (time.monotonic() - since)
        row = {"step": index + 1, "loss": sum(losses) / len(losses), "steps_per_second": rate}
        measured = on_save(index + 1) if on_save else {}
        save(stage, folder, index + 1)
        row |= measured
        with (folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        log.info("%s: %s", folder.name, json.dumps(row))
        losses, since = [], time.monotonic()


def resume(stage: Stage, folder: Path) -> int:
    """Bring `stage` to where the run in `folder` was saved; the number of steps done, 0 if none."""
    file = folder / STATE
    if not file.exists():
        return 0
    # tensors and numbers, perhaps of a device that this machine has not
    saved = torch.load(file, weights_only=True, map_location="cpu")  # noqa: TID251
    stage.load_state_dict(saved["stage"])
    log.info("%s: resumed at step %d", folder.name, saved["step"])
    return saved["step"]


def save(stage: Stage, folder: Path, step: int) -> None:
    save_atomically({"step": step, "stage": stage.state_dict()}, folder / STATE)


@contextmanager
def _saved_if_stopped(stage: Stage, folder: Path, step: int) -> Iterator[None]:
    finished = False
    try:
        yield
        finished = True
    finally:
        if not finished and not process_rank():
            save(stage, folder, step)


def cosine_with_warmup(index: int, steps: int, warmup: int = 40, floor: float = 0.01) -> float:
    """Learning-rate factor: linear rise over `warmup` steps, then half a cosine down to `floor`."""
    rise = min(1.0, (index + 1) / warmup)
    return rise * (0.5 + 0.5 * math.cos(math.pi * index / steps)) + floor


def save_atomically(state: dict, file: Path) -> None:
    """Raises `DiskFullError` when there is no room; what was saved before stays."""
    content = io.BytesIO()
    torch.save(state, content)  # torch hides a full disk behind an error of its own
    part = file.with_suffix(".part")
    with clear_disk_errors(part, "the state of the training run"):
        part.write_bytes(content.getbuffer())
    part.replace(file)
