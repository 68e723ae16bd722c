"""What every source and step promises: any start gives the tail, and a name for what it gives."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import Clip, FrameStream
from svd_studio.video.trim import Trim

FRAMES = torch.rand(13, 2, 3, 3, generator=torch.Generator().manual_seed(0))
trims = st.builds(Trim, st.integers(0, 12), st.integers(0, 15), st.integers(1, 5))


def stream(frames=FRAMES, rate=None, *steps):
    made = FrameStream(ImageBatch(frames, rate))
    for step in steps:
        made = made.then(step)
    return made


def same(found, expected):
    return len(found) == len(expected) and all(map(torch.equal, found, expected))


@given(trims, st.integers(0, 14))
def test_any_start_gives_the_tail_of_the_whole(trim, start):
    trimmed = stream(FRAMES, None, trim)
    whole = list(trimmed.frames())
    assert len(whole) == trimmed.clip.count
    assert same(list(trimmed.frames(start)), whole[start:])


@given(trims)
def test_a_trim_is_a_slice(trim):
    expected = FRAMES[trim.first :: trim.nth][: trim.count or None]
    assert same(list(stream(FRAMES, None, trim).frames()), expected)


@given(st.lists(trims.filter(lambda trim: trim.first < 2), max_size=3))
def test_trims_follow_each_other(trims):
    expected, trimmed = FRAMES, stream()
    for trim in trims:
        expected = expected[trim.first :: trim.nth][: trim.count or None]
        if not len(expected):
            with pytest.raises(ValueError, match="skip"):
                trimmed.then(trim)
            return
        trimmed = trimmed.then(trim)
    assert same(list(trimmed.frames()), expected)


def test_every_second_frame_lasts_twice_as_long():
    rate = Fraction(30000, 1001)
    clip = stream(FRAMES[:12], rate, Trim(nth=2)).clip
    assert (clip.rate, clip.count) == (rate / 2, 6)
    assert clip.seconds == stream(FRAMES[:12], rate).clip.seconds


@given(trims, st.sampled_from([Fraction(24), Fraction(24000, 1001), Fraction(7)]))
def test_sound_is_trimmed_to_the_frames_that_are_left(trim, rate):
    before = Clip(13, 2, 3, rate=rate)
    samples = trim.samples(before, 48000)
    assert abs(samples.start - trim.first * 48000 / rate) <= 0.5
    assert abs(samples.stop - samples.start - trim.clip(before).seconds * 48000) <= 1


@pytest.mark.parametrize("numbers", [(-1, 0, 1), (0, -2, 1), (0, 0, 0)], ids=str)
def test_trims_that_mean_nothing_are_refused(numbers):
    with pytest.raises(ValueError, match="expected 0 or more"):
        Trim(*numbers)


def test_skipping_the_whole_film_is_refused():
    with pytest.raises(ValueError, match=r"first 13 .* film has 13: skip 12 or fewer"):
        stream(FRAMES, None, Trim(13))


def test_a_trim_pulls_no_frame_that_it_does_not_give():
    pulled = []

    class Counted(ImageBatch):
        def frames(self, start):
            for number, frame in enumerate(super().frames(start), start):
                pulled.append(number)
                yield frame

    list(FrameStream(Counted(FRAMES)).then(Trim(2, 3, 2)).frames(1))
    assert pulled == [4, 5, 6]


@given(st.integers(0, FRAMES.numel() - 1), trims)
def test_fingerprints_differ_when_any_value_or_setting_does(place, trim):
    other = FRAMES.clone()
    other.view(-1)[place] += 1e-3
    assert stream().fingerprint() == stream(FRAMES.clone()).fingerprint()
    assert stream(other).fingerprint() != stream().fingerprint()
    assert stream(FRAMES, Fraction(7)).fingerprint() != stream().fingerprint()
    assert stream(FRAMES, None, trim).fingerprint() != stream().fingerprint()


@given(trims, trims)
def test_different_trims_have_different_fingerprints(one, other):
    prints = {stream(FRAMES, None, trim).fingerprint() for trim in (one, other)}
    assert len(prints) == len({one, other})


def test_grey_becomes_three_channels_and_nothing_is_copied():
    grey = stream(FRAMES[..., :1])
    assert grey.clip.channels == 3
    assert torch.equal(next(grey.frames()), FRAMES[0, ..., :1].expand(-1, -1, 3))
    assert next(stream().frames()).data_ptr() == FRAMES.data_ptr()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0, 2, 3, 3), "no frames"),
        ((1, 0, 3, 3), "nothing to see"),
        ((1, 2, 3, 2), "2 channels"),
        ((1, 2, 3, 5), "5 channels"),
    ],
    ids=str,
)
def test_frames_that_are_none_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        _ = stream(torch.zeros(shape)).clip


def test_the_report_has_a_line_for_the_source_and_each_step():
    lines = stream(FRAMES, Fraction(7), Trim(1, 4, 2), Trim(1)).describe()
    assert lines == [
        "13 frames of 3x2 at 7 fps",
        "trim: 4 frames from frame 1 on, every 2 of the film's",
        "trim: all frames from frame 1 on",
    ]
