"""LoRA: what core reaches and what the pack does, what training takes, and what it teaches."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from bench_lora_keys import key_rows
from bench_lora_memory import memory_rows
from bench_lora_resume import checkpoint_rows, resume_rows
from bench_lora_taught import Lessons, taught_rows
from bench_report import Row


def measure(args: Namespace) -> Iterator[Row]:
    """`args.quick` leaves out what trains for long."""
    yield from memory_rows()
    yield from key_rows()
    yield from checkpoint_rows()
    yield from resume_rows()
    if not args.quick:
        yield from taught_rows(Lessons(args.out / "bench_lora", args.state))
