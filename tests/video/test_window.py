"""Windows against the plain slices of a list."""

from __future__ import annotations

import gc
import weakref

import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import Clip, FrameStream
from svd_studio.video.window import windows


def stream_of(count: int) -> FrameStream:
    numbers = torch.arange(count, dtype=torch.float32)
    return FrameStream(ImageBatch(numbers.view(count, 1, 1, 1).expand(-1, 1, 1, 3)))


def number_of(frame: torch.Tensor) -> int:
    return int(frame[0, 0, 0])


@given(count=st.integers(1, 12), radius=st.integers(0, 5), start=st.integers(0, 12))
def test_a_window_is_the_slice_around_its_frame(count, radius, start):
    found = list(windows(stream_of(count), start, radius, number_of))
    assert [window.number for window in found] == list(range(start, count))
    for window in found:
        n = window.number
        expected = range(max(0, n - radius), min(count, n + radius + 1))
        assert window.around == tuple(expected)
        assert window.around[window.centre] == n == number_of(window.frame)


@given(count=st.integers(1, 12), radius=st.integers(0, 5))
def test_a_mirrored_window_reflects_the_film_at_its_ends(count, radius):
    there_and_back = [*range(count), *range(count - 2, 0, -1)]
    for window in windows(stream_of(count), 0, radius, number_of):
        expected = [
            there_and_back[(window.number + offset) % len(there_and_back)]
            for offset in range(-radius, radius + 1)
        ]
        assert list(window.mirrored(radius)) == expected


def test_every_frame_is_seen_once():
    seen = []
    list(windows(stream_of(9), 4, 2, lambda frame: seen.append(number_of(frame))))
    assert seen == [2, 3, 4, 5, 6, 7, 8]


class Counted:
    """Frames that are made as they are pulled, and how many were alive at once."""

    clip = Clip(40, 1, 1)

    def __init__(self) -> None:
        self.alive = self.most = 0

    def frames(self, start):
        for number in range(start, 40):
            frame = torch.full((1, 1, 3), float(number))
            self.alive += 1
            self.most = max(self.most, self.alive)
            weakref.finalize(frame, self._gone)
            yield frame
            del frame

    def _gone(self) -> None:
        self.alive -= 1

    def fingerprint(self) -> str:
        return ""


def test_no_more_frames_are_held_than_are_needed():
    gc.collect()
    source = Counted()
    for window in windows(FrameStream(source), 0, 3, number_of):
        del window
    assert source.most <= 3 + 1 + 1  # and the one that is just arriving
    source = Counted()
    for window in windows(FrameStream(source), 0, 3, lambda frame: frame):
        del window
    assert source.most <= 7 + 1
