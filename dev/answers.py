"""Answers of many small cases, worked out in processes and kept, so that a bench can go on."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Case(Protocol):
    @property
    def key(self) -> str: ...


def answers_file(folder: Path, stem: str, weights: Path, setting: object) -> Path:
    """Answers of other weights or settings are never mixed: they have a file of their own."""
    digest = hashlib.sha256(weights.read_bytes())
    digest.update(json.dumps(setting, sort_keys=True).encode())
    return folder / f"{stem}_{digest.hexdigest()[:8]}.jsonl"


def answered(
    file: Path, cases: Sequence[Case], pool: ProcessPoolExecutor, work: Callable[[Case], dict]
) -> list[dict]:
    """The answer of every case, in order; those that `file` does not have are worked out now.

    `work` runs in the pool's processes and returns a dictionary with the case's key as "key".
    """
    done = _kept(file)
    missing = [case for case in cases if case.key not in done]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        for number, row in enumerate(_worked_out(pool, work, missing), 1):
            done[row["key"]] = row
            lines.write(json.dumps(row) + "\n")
            lines.flush()
            if number % 20 == 0:
                print(f"{number} of {len(missing)} clips", flush=True)
    return [done[case.key] for case in cases]


def _kept(file: Path) -> dict[str, dict]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {row["key"]: row for row in rows}


def _worked_out(
    pool: ProcessPoolExecutor, work: Callable[[Case], dict], cases: Iterable[Case]
) -> Iterator[dict]:
    for answer in as_completed([pool.submit(work, case) for case in cases]):
        yield answer.result()


@contextmanager
def processes(count: int, start: Callable, *arguments: object) -> Iterator[ProcessPoolExecutor]:
    """Processes that `start` has prepared, each with ComfyUI on the CPU and one thread.

    Two of two threads each would wait for one another.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, _start, (start, arguments)) as pool:
        yield pool


def _start(start: Callable, arguments: tuple) -> None:
    from comfy_runtime import start_core

    start_core("--cpu")
    import torch

    torch.set_num_threads(1)
    start(*arguments)
