"""The same step on several processes: one thread each keeps small CPU networks busy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch import nn


def run_on_processes(count: int, work: Callable[..., None], *arguments: object) -> None:
    """Call `work(*arguments)` on `count` processes that share gradients; on one, call it here."""
    if count == 1:
        work(*arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting_point = (Path(folder) / "rendezvous").as_uri()
        multiprocessing.spawn(_join, (count, meeting_point, work, arguments), nprocs=count)


def _join(rank: int, count: int, url: str, work: Callable[..., None], arguments: tuple) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=url, rank=rank, world_size=count)
    try:
        work(*arguments)
    finally:
        dist.destroy_process_group()


def process_rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def process_count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its sum over the processes."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def sum_number(number: float) -> float:
    if not dist.is_initialized():
        return number
    total = torch.tensor(number)
    dist.all_reduce(total)
    return total.item()
