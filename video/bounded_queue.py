"""A queue between two threads, with a bound in bytes on what waits in it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """One thread puts, another iterates; each can end it for both, with an error or without.

    As long as what waits would take more than `room` bytes, `put` waits; one item may always wait,
    however large.
    """

    def __init__(self, room: int, size_of: Callable[[T], int]) -> None:
        self._room = room
        self._size_of = size_of
        self._items: deque[T] = deque()
        self._bytes = 0
        self._ended = False
        self._error: BaseException | None = None
        self._refusal: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Raises what `refuse` was given."""
        size = self._size_of(item)
        with self._changed:
            self._changed.wait_for(
                lambda: self._refusal or not self._items or self._bytes + size <= self._room
            )
            self.raise_refusal()
            self._items.append(item)
            self._bytes += size
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more is put: whoever iterates gets what waits, and then `error`."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def refuse(self, error: BaseException) -> None:
        """Nothing more is taken: what waits is dropped, and `put` raises `error`."""
        with self._changed:
            self._refusal = error
            self._items.clear()
            self._changed.notify_all()

    def raise_refusal(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._bytes -= self._size_of(item)
                self._changed.notify_all()
            yield item
            del item  # or it would stay until the next one is there
        if self._error is not None:
            raise self._error
