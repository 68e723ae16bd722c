"""Work that follows in another thread, with a bound in bytes on what it has not got to yet."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch

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
    waiting = _Waiting(size_of, room)
    thread = threading.Thread(
        target=waiting.run, args=(consume,), name="frames behind", daemon=True
    )
    thread.start()
    whole = False
    try:
        yield waiting.put
        whole = True
    finally:
        waiting.end(whole)
        thread.join()
    waiting.raise_error()


class _StoppedError(Exception):
    """There will be no more items, and what came so far is not all."""


class _Waiting(Generic[T]):
    """A queue, a thread that fills it, and another that empties it."""

    def __init__(self, size_of: Callable[[T], int], room: int) -> None:
        self._size_of = size_of
        self._room = room
        self._items: deque[T] = deque()
        self._bytes = 0
        self._ended = False
        self._whole = True
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        size = self._size_of(item)
        with self._changed:
            self._changed.wait_for(
                lambda: self._error or not self._items or self._bytes + size <= self._room
            )
            self.raise_error()
            self._items.append(item)
            self._bytes += size
            self._changed.notify_all()

    def run(self, consume: Callable[[Iterator[T]], None]) -> None:
        try:
            with torch.inference_mode():  # which every thread has to say for itself
                consume(self._each())
        except _StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that puts
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _each(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    if not self._whole:
                        raise _StoppedError
                    return
                item = self._items.popleft()
                self._bytes -= self._size_of(item)
                self._changed.notify_all()
            yield item
            del item  # or it would stay until the next one is there

    def end(self, whole: bool) -> None:
        with self._changed:
            self._ended, self._whole = True, whole
            self._changed.notify_all()

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error
