from __future__ import annotations

import threading
import time

import pytest
from svd_studio.video.write.behind import behind


def test_everything_is_consumed_in_order_in_another_thread():
    found, threads = [], set()

    def consume(items):
        for item in items:
            found.append(item)
            threads.add(threading.get_ident())

    with behind(consume, lambda _: 1) as put:
        for number in range(1000):
            put(number)
    assert found == list(range(1000))
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("room", [1, 100])
def test_what_waits_is_bounded_in_bytes_but_one_may_always_wait(room):
    waiting, most, lock = 0, 0, threading.Lock()

    def consume(items):
        nonlocal waiting
        for _ in items:
            time.sleep(0.001)
            with lock:
                waiting -= 1

    with behind(consume, lambda _: 40, room) as put:
        for number in range(30):
            put(number)
            with lock:
                waiting += 1
                most = max(most, waiting)
    assert most <= max(1, room // 40) + 2  # one is being consumed, and one has just been put


def test_error_of_the_consumer_is_raised_where_the_next_item_is_put():
    def consume(items):
        next(items)
        raise OSError("disk full")

    def put_many(put):
        for number in range(1_000_000):
            put(number)
            time.sleep(0.001)

    with pytest.raises(OSError, match="disk full"), behind(consume, lambda _: 1) as put:
        put_many(put)


def test_error_of_the_consumer_after_the_last_item_is_raised():
    def consume(items):
        list(items)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), behind(consume, lambda _: 1) as put:
        put(1)


def test_consumer_gets_what_was_put_before_an_error_and_cleans_up():
    found, clean = [], []

    def consume(items):
        try:
            for item in items:
                found.append(item)
        finally:
            clean.append(True)

    def interrupted():
        with behind(consume, lambda _: 1) as put:
            put(1)
            put(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert clean == [True]
    assert found == [1, 2]
