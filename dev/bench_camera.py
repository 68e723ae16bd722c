"""Does the camera obey? svd-mini on held-out photographs, every move, several amounts and seeds.

Clips are measured one by one and appended to a file, so that the bench goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from answers import answered, answers_file, processes

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
        return answers_file(self.out, "bench_camera_clips", self.weights, self.setting)

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


def measure(plan: Plan, count: int) -> list[dict]:
    """Every answer of the plan; those that are missing are worked out now by `count` processes."""
    with processes(count, _start_worker, plan) as pool:
        return answered(plan.answers, plan.cases(), pool, _work)


def _start_worker(plan: Plan) -> None:
    global _studio
    _studio = open_studio(plan)


def open_studio(plan: Plan):  # noqa: ANN201 - its module needs ComfyUI to be started first
    from camera_clips import Setting, Studio
    from train_mini import held_out_pictures

    held_out = held_out_pictures(plan.state)[:PHOTOS]
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
