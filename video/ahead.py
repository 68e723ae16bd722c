"""Work that goes on in another thread while its results are used, with a bound in bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

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
    waiting = _Waiting(room, size_of)
    thread = threading.Thread(target=waiting.fill, args=(frames,), name="frames ahead", daemon=True)
    thread.start()
    try:
        yield from waiting
    finally:
        waiting.stop()
        thread.join()


class _Waiting:
    """A queue of frames, a thread that fills it, and another that empties it."""

    def __init__(self, room: int, size_of: Callable[[Tensor], int]) -> None:
        self._room = room
        self._size_of = size_of
        self._frames: deque[Tensor] = deque()
        self._bytes = 0
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def fill(self, frames: Iterable[Tensor]) -> None:
        pulled = iter(frames)
        try:
            with torch.inference_mode():  # which every thread has to say for itself
                while not self._stopped and (frame := next(pulled, None)) is not None:
                    self._put(frame)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that pulls
            self._error = error
        finally:
            close = getattr(pulled, "close", None)
            if close:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, frame: Tensor) -> None:
        size = self._size_of(frame)
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or not self._frames or self._bytes + size <= self._room
            )
            self._frames.append(frame)
            self._bytes += size
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._ended)
                if not self._frames:
                    break
                frame = self._frames.popleft()
                self._bytes -= self._size_of(frame)
                self._changed.notify_all()
            yield frame
            del frame  # or it would stay until the next one is there
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._frames.clear()
            self._changed.notify_all()
