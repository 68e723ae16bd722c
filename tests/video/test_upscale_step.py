"""Streams of upscaled frames."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import FrameStream
from svd_studio.video.upscale.lanczos import resample
from svd_studio.video.upscale.sizes import Rule, Target
from svd_studio.video.upscale.step import Upscale
from torch.testing import assert_close

from .upscale_doubles import Enlarging, noise, room


def stream_of(images, step):
    return FrameStream(ImageBatch(images, Fraction(7))).then(step)


def pulled(images, step, start=0):
    return list(stream_of(images, step).frames(start))


def lanczos(frame, width, height):
    return resample(frame.movedim(-1, 0), width, height).clamp(0, 1).movedim(0, -1)


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([3, 4]),
    st.sampled_from(list(Rule)),
    st.tuples(st.integers(2, 90), st.integers(2, 90)),
    st.sampled_from([None, Enlarging(scale=1), Enlarging(scale=2), Enlarging(scale=4)]),
)
def test_every_frame_has_the_promised_size(size, channels, rule, custom, network):
    images = noise(2, *size, channels)
    stream = stream_of(images, Upscale(network, Target.CUSTOM, rule, custom))
    frames = list(stream.frames())
    assert len(frames) == stream.clip.count == 2
    for frame in frames:
        assert frame.shape == (stream.clip.height, stream.clip.width, channels)
        assert frame.dtype == torch.float32
        assert frame.is_contiguous()
        assert 0 <= frame.min() <= frame.max() <= 1


def test_a_pull_from_the_middle_gives_the_same_frames_to_the_bit():
    images = noise(7, 6, 9, 3)
    step = Upscale(Enlarging(reach=2), Target.OWN, room=_room_of(batch_pixels=3 * 6 * 9))
    frames = pulled(images, step)
    for start in range(7):
        later = pulled(images, step, start)
        assert len(later) == 7 - start
        assert all(torch.equal(a, b) for a, b in zip(later, frames[start:], strict=True))


def test_frames_together_are_the_frames_alone():
    images, network = noise(5, 6, 9, 3), Enlarging(reach=2)
    alone = pulled(images, Upscale(network, Target.OWN))
    network.seen.clear()
    together = pulled(images, Upscale(network, Target.OWN, room=_room_of(batch_pixels=130)))
    assert (2, 3, 6, 9) in network.seen
    for one, other in zip(together, alone, strict=True):
        assert_close(one, other, rtol=0, atol=1e-6)


def test_colours_go_through_the_network_and_transparency_does_not():
    images = noise(1, 6, 9, 4)
    (frame,) = pulled(images, Upscale(Enlarging(), Target.OWN))
    enlarged = images[0, ..., :3].repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert_close(frame[..., :3], enlarged)
    assert_close(frame[..., 3:], lanczos(images[0, ..., 3:], 18, 12))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_strength_is_the_share_of_the_network(share):
    images, network = noise(1, 6, 9, 3), Enlarging()
    (frame,) = pulled(images, Upscale(network, Target.OWN, strength=share))
    enlarged = images[0].repeat_interleave(2, 0).repeat_interleave(2, 1)
    plain = resample(images[0].movedim(-1, 0), 18, 12).movedim(0, -1)
    assert_close(frame, (share * enlarged + (1 - share) * plain).clamp(0, 1), rtol=0, atol=1e-6)
    assert bool(network.seen) == (share > 0)


def test_without_a_network_it_is_lanczos():
    images = noise(1, 6, 9, 3)
    (frame,) = pulled(images, Upscale(None, Target.X2))
    assert_close(frame, lanczos(images[0], 18, 12))


def test_a_network_of_two_runs_twice_for_four_times():
    images, network = noise(1, 6, 9, 3), Enlarging()
    (frame,) = pulled(images, Upscale(network, Target.X4))
    assert_close(frame, images[0].repeat_interleave(4, 0).repeat_interleave(4, 1))


def test_bars_are_black_and_opaque_and_as_wide_on_both_sides():
    images = torch.ones(1, 10, 10, 4) / 2
    (frame,) = pulled(images, Upscale(None, Target.CUSTOM, Rule.PAD, (40, 20)))
    assert_close(frame[:, 10:30], torch.full((20, 20, 4), 0.5))
    black = torch.tensor([0.0, 0.0, 0.0, 1.0])
    assert torch.equal(frame[:, :10], black.expand(20, 10, 4))
    assert torch.equal(frame[:, 30:], black.expand(20, 10, 4))


def test_a_crop_is_the_middle_of_the_whole():
    images = noise(1, 80, 30, 3)
    whole = pulled(images, Upscale(None, Target.X2))[0]
    (frame,) = pulled(images, Upscale(None, Target.CUSTOM, Rule.CROP, (60, 40)))
    assert_close(frame, whole[60:100], rtol=0, atol=1e-6)


def test_nothing_is_computed_before_frames_are_pulled_nor_held_after():
    entered = []

    @contextmanager
    def watched():
        entered.append("in")
        yield room()
        entered.append("out")

    network = Enlarging()
    frames = stream_of(noise(3, 4, 4, 3), Upscale(network, Target.OWN, room=watched)).frames()
    assert not entered
    assert not network.seen
    next(frames)
    assert entered == ["in"]
    frames.close()
    assert entered == ["in", "out"] or not frames.gi_frame


def test_frames_of_no_numbers_are_an_error_that_says_which():
    images = noise(3, 4, 4, 3)
    images[1, 2, 2] = torch.nan
    with pytest.raises(ValueError, match="Frame 1 or one of 1 from there holds values that are"):
        pulled(images, Upscale(Enlarging(), Target.OWN))


def test_the_report_names_the_size_and_what_makes_it():
    step = Upscale(Enlarging(), Target.CUSTOM, Rule.FIT, (1920, 0), strength=0.6)
    assert step.describe() == "upscaled to 1920xany (fit) by a double (60%, the rest Lanczos)"
    assert Upscale(None, Target.UHD).describe() == "upscaled to UHD 3840x2160 (crop) by Lanczos"


def test_the_fingerprint_is_of_what_changes_pixels():
    step = Upscale(Enlarging(reach=3), Target.HD)
    same = [replace(step, side=64), replace(step, room=_room_of())]
    assert {s.fingerprint() for s in same} == {step.fingerprint()}
    others = [
        replace(step, network=Enlarging(reach=2)),
        replace(step, network=None),
        replace(step, target=Target.UHD),
        replace(step, rule=Rule.PAD),
        replace(step, strength=0.5),
        replace(step, network=Enlarging(reach=None)),
        replace(step, network=Enlarging(reach=None), side=64),
    ]
    assert len({s.fingerprint() for s in [step, *others]}) == 8


def _room_of(**options):
    @contextmanager
    def opened():
        yield room(**options)

    return opened
