"""Work ahead: what it may keep, how its errors arrive, and that it ends when nobody listens."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.ahead import ahead

FRAME = torch.zeros(256)  # of 1 KiB


class Counted:
    """A generator's frames, how many were made, and whether it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.made, self.closed = 0, threading.Event()
        self.count, self.error = count, error
        self.inference = None

    def __iter__(self):
        try:
            while self.made < self.count:
                self.made += 1
                self.inference = torch.is_inference_mode_enabled()
                yield FRAME + self.made
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()


def settled(source: Counted) -> int:
    """How many frames were made when no more are."""
    before = -1
    while before != source.made:
        before = source.made
        time.sleep(0.03)
    return before


def threads() -> int:
    return sum(thread.name == "frames ahead" for thread in threading.enumerate())


@given(st.integers(0, 9), st.sampled_from([0, 1, 1024, 3000, 10**6]))
def test_frames_come_in_order_whatever_the_room(count, room):
    frames = [frame[0].item() for frame in ahead(Counted(count), room)]
    assert frames == list(range(1, count + 1))


@pytest.mark.parametrize(("room", "kept"), [(4096, 4), (4095, 3), (1024, 1), (10, 1)])
def test_no_more_bytes_wait_than_the_room(room, kept):
    source = Counted(50)
    frames = ahead(source, room)
    next(frames)
    # One was taken, `kept` wait, and one more is in the hands of the thread.
    assert settled(source) == 1 + kept + 1
    frames.close()


def test_sizes_can_be_told():
    source = Counted(50)
    frames = ahead(source, 4096, lambda frame: 2 * frame.nbytes)
    next(frames)
    assert settled(source) == 1 + 2 + 1
    frames.close()


def test_an_error_arrives_after_the_frames_before_it():
    source = Counted(3, KeyError("disk"))
    frames = ahead(source)
    assert [next(frames)[0].item() for _ in range(3)] == [1, 2, 3]
    with pytest.raises(KeyError, match="disk"):
        next(frames)
    assert source.closed.is_set()


def test_an_early_end_stops_the_thread_and_closes_the_source():
    before = threads()
    source = Counted(10**9)
    frames = ahead(source, 4096)
    next(frames)
    assert threads() == before + 1
    frames.close()
    assert source.closed.is_set()
    assert threads() == before
    assert source.made <= 7


def test_an_error_of_who_pulls_stops_the_thread():
    before = threads()
    source = Counted(10**9)

    def consume():
        for _ in ahead(source, 4096):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        consume()
    assert source.closed.wait(5)
    assert threads() == before


def test_nothing_is_made_before_the_first_pull():
    source = Counted(5)
    frames = ahead(source)
    time.sleep(0.02)
    assert source.made == 0
    frames.close()


def test_frames_that_are_not_used_any_more_are_let_go():
    import weakref

    frames = ahead(Counted(5))
    first = next(frames)
    gone = weakref.ref(first)
    del first
    next(frames)
    assert gone() is None


def test_the_thread_makes_no_gradients():
    source = Counted(1)
    list(ahead(source))
    assert source.inference is True
