"""Does the camera obey? svd-mini on held-out photographs, every move, several amounts and seeds.

Clips are measured one by one and appended to a file, so that the bench goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PHOTOS = 12
AMOUNTS = (0.5, 1.0)  # with every seed
MORE_AMOUNTS = (0.25, 0.75)  # with one seed on every other photograph, for the line through four
SEEDS = (0, 1, 2)

_studio = None  # one in each worker process


@dataclass(frozen=True)
class Plan:
    """Which clips are made, how, and where the answers are kept."""

    out: Path
    state: Path
    weights: Path
    setting: dict
    quick: bool = False

    @property
    def answers(self) -> Path:
        """Answers of other weights or settings are never mixed with these."""
        digest = hashlib.sha256(self.weights.read_bytes())
        digest.update(json.dumps(self.setting, sort_keys=True).encode())
        return self.out / f"bench_camera_clips_{digest.hexdigest()[:8]}.jsonl"

    def cases(self) -> list:
        from camera_clips import HOLD, MOVES, Case

        photos = range(3 if self.quick else PHOTOS)
        seeds = SEEDS[:1] if self.quick else SEEDS
        cases = [Case(p, HOLD, 0.0, s, "unguided") for p in photos for s in seeds]
        cases += [Case(p, HOLD, 0.0, 0, "loop") for p in photos]
        for photo in photos:
            for move in MOVES:
                amounts = (1.0,) if move == HOLD else AMOUNTS
                cases += [Case(photo, move, a, s, "clock") for a in amounts for s in seeds]
                cases += [Case(photo, move, a, 0, "plain warp") for a in amounts]
                if move != HOLD and photo % 2 == 0:
                    cases += [Case(photo, move, a, 0, "clock") for a in MORE_AMOUNTS]
        for method in ("refine", "warp"):
            cases += [Case(p, m, 1.0, 0, method) for p in photos[:3] for m in MOVES]
        return cases

    def done(self) -> dict[str, dict]:
        if not self.answers.exists():
            return {}
        rows = [json.loads(line) for line in self.answers.read_text().splitlines()]
        return {row["key"]: row for row in rows}


def measure(plan: Plan, processes: int) -> list[dict]:
    """Every answer of the plan; those that are missing are worked out now."""
    answers, done = plan.answers, plan.done()
    missing = [case for case in plan.cases() if case.key not in done]
    plan.out.mkdir(parents=True, exist_ok=True)
    with answers.open("a") as file:
        for number, row in enumerate(_answers(plan, missing, processes), 1):
            done[row["key"]] = row
            file.write(json.dumps(row) + "\n")
            file.flush()
            if number % 20 == 0:
                print(f"{number} of {len(missing)} clips", flush=True)
    return [done[case.key] for case in plan.cases()]


def _answers(plan: Plan, cases: Sequence, processes: int) -> Iterator[dict]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start_worker, (plan,)) as pool:
        for answer in as_completed([pool.submit(_work, case) for case in cases]):
            yield answer.result()


def _start_worker(plan: Plan) -> None:
    """A process of one thread: two of two threads each would wait for one another."""
    global _studio
    from comfy_runtime import start_core

    start_core("--cpu")
    import torch

    torch.set_num_threads(1)
    _studio = open_studio(plan)


def open_studio(plan: Plan):  # noqa: ANN201 - its module needs ComfyUI to be started first
    from camera_clips import Setting, Studio
    from train_mini import pictures

    data = pictures(plan.state)
    held_out = (*data.photographs, *data.templates[:: len(data.templates) // 5])[:PHOTOS]
    return Studio(held_out, Setting(**plan.setting), plan.weights)


def _work(case) -> dict:  # noqa: ANN001 - a Case
    from camera_clips import measure_case

    return measure_case(case, _studio.film(case))


def sheet(studio, file: Path, photo: int = 0) -> None:  # noqa: ANN001 - a Studio
    """A row for every move at its full amount: first, middle and last frame, and the guide's."""
    import cv2
    from camera_clips import MOVES, Case

    rows = []
    for move in MOVES:
        film = studio.film(Case(photo, move, 1.0, 0, "clock"))
        guide = studio.film(Case(photo, move, 1.0, 0, "plain warp"))
        row = np.hstack([*film[[0, 4, 9, 13]], guide[13]])
        cv2.putText(row, move, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(
            row, move, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA
        )
        rows.append(row)
    cv2.imwrite(str(file), np.vstack(rows)[..., ::-1])
