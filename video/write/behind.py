"""Work that follows in another thread, with a bound in bytes on what it has not got to yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from ..bounded_queue import BoundedQueue

T = TypeVar("T")

ROOM = 64 * 2**20


@contextmanager
def behind(
    consume: Callable[[Iterator[T]], None], size_of: Callable[[T], int], room: int = ROOM
) -> Iterator[Callable[[T], None]]:
    """Hands out `put`; a thread of its own runs `consume` on what is put, in order.

    As long as what waits would take more than `room` bytes, `put` waits; one item may always wait,
    however large. An error of `consume` is raised by the next `put`, or where the block ends, which
    waits until everything is consumed. After an error in the block, `consume` still gets what was
    put, and then an error too, so that it can clean up; that one is not raised again.
    """
    waiting = BoundedQueue[T](room, size_of)
    thread = threading.Thread(
        target=_run, args=(consume, waiting), name="frames behind", daemon=True
    )
    thread.start()
    failure: _StoppedError | None = _StoppedError()
    try:
        yield waiting.put
        failure = None
    finally:
        waiting.end(failure)
        thread.join()
    waiting.raise_refusal()


class _StoppedError(Exception):
    """There will be no more items, and what came so far is not all."""


def _run(consume: Callable[[Iterator[T]], None], waiting: BoundedQueue[T]) -> None:
    try:
        with torch.inference_mode():  # which every thread has to say for itself
            consume(iter(waiting))
    except _StoppedError:
        pass
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that puts
        waiting.refuse(error)
