"""Work that goes on in another thread while its results are used, with a bound in bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from .bounded_queue import BoundedQueue

ROOM = 256 * 2**20


def ahead(
    frames: Iterable[Tensor],
    room: int = ROOM,
    size_of: Callable[[Tensor], int] = lambda frame: frame.nbytes,
) -> Iterator[Tensor]:
    """`frames`, made by a thread of their own as long as those that wait take up to `room` bytes.

    One frame may always wait, however large. An error of the thread is raised where its frame
    would have come. Ending early ends the thread within one frame, and closes `frames`.
    """
    waiting = BoundedQueue[Tensor](room, size_of)
    thread = threading.Thread(
        target=_fill, args=(waiting, frames), name="frames ahead", daemon=True
    )
    thread.start()
    try:
        yield from waiting
    finally:
        waiting.refuse(_StoppedError())
        thread.join()


class _StoppedError(Exception):
    """Nobody wants the frames any more."""


def _fill(waiting: BoundedQueue[Tensor], frames: Iterable[Tensor]) -> None:
    pulled, failure = iter(frames), None
    try:
        with torch.inference_mode():  # which every thread has to say for itself
            for frame in pulled:
                waiting.put(frame)
                del frame  # or it would stay until the next one is there
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that pulls
        failure = error
    finally:
        close = getattr(pulled, "close", None)
        if close:
            close()
        waiting.end(failure)
