"""The step: frames of the film untouched, the others in order, the same wherever a pull starts."""

from contextlib import contextmanager
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.video.interpolate.flow import FlowInterpolator
from svd_studio.video.interpolate.plan import LastFrame, Timing
from svd_studio.video.interpolate.step import Interpolate
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import FrameStream


class Blend:
    """The mean of two frames by time, and a count of what was asked for."""

    def __init__(self):
        self.prepared, self.drawn, self.opened, self.closed = [], 0, 0, 0

    @contextmanager
    def __call__(self, clip):
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1

    def prepare(self, frame):
        assert frame.shape[:2] == (1, 3)
        self.prepared.append(float(frame.mean()))
        return frame

    def between(self, first, second, times):
        for t in times:
            self.drawn += 1
            yield torch.lerp(first, second, t)


class Pulled(ImageBatch):
    """A batch that says which of its frames were pulled."""

    def frames(self, start):
        for number, frame in enumerate(super().frames(start), start):
            self.log.append(number)
            yield frame


def step(drawer=None, scene_cut=0.0, **timing):
    return Interpolate(drawer or Blend(), Timing(**timing), "blending", "blend", scene_cut)


def ramp(count, channels=3):
    """Frames that are all of one value, from 0 to 1."""
    values = torch.arange(count) / max(count - 1, 1)
    return values[:, None, None, None].expand(-1, 2, 3, channels).contiguous()


def means(frames):
    return [round(float(frame.mean()), 4) for frame in frames]


def through(frames, step, start=0, rate=None):
    return list(FrameStream(ImageBatch(frames, rate)).then(step).frames(start))


def test_frames_come_in_order_and_the_films_own_are_untouched():
    frames = torch.rand(4, 5, 7, 3)
    out = through(frames, step(factor=3))
    assert len(out) == 12
    assert all(torch.equal(out[3 * n], frames[n]) for n in range(4))
    assert all(torch.equal(frame, frames[3]) for frame in out[9:])
    torch.testing.assert_close(out[4], torch.lerp(frames[1], frames[2], 1 / 3))
    assert len(through(frames, step(factor=3, last=LastFrame.SHORTER))) == 10


asked = st.builds(
    dict,
    factor=st.integers(1, 5),
    rate=st.none() | st.sampled_from([Fraction(24000, 1001), Fraction(3), Fraction(7)]),
    speed=st.sampled_from([Fraction(1, 3), Fraction(1), Fraction(4)]),
    last=st.sampled_from(LastFrame),
    loop=st.booleans(),
)


@settings(max_examples=40)
@given(asked, st.integers(1, 6), st.integers(0, 30))
def test_any_start_gives_the_rest_of_the_whole(timing, count, start):
    frames = torch.rand(count, 2, 2, 4, generator=torch.Generator().manual_seed(count))
    whole = through(frames, step(**timing), rate=Fraction(7))
    clip = step(**timing).clip(ImageBatch(frames, Fraction(7)).clip)
    assert len(whole) == clip.count
    start = min(start, clip.count - 1)
    tail = through(frames, step(**timing), start, Fraction(7))
    assert len(tail) == len(whole) - start
    assert all(torch.equal(a, b) for a, b in zip(whole[start:], tail, strict=True))


def test_a_loop_goes_from_the_last_frame_to_the_first():
    assert means(through(ramp(3), step(factor=2, loop=True))) == [0, 0.25, 0.5, 0.75, 1, 0.5]
    assert means(through(ramp(3), step(factor=2, loop=True), 5)) == [0.5]


def test_slow_motion_and_quick_motion():
    assert means(through(ramp(3), step(factor=1, speed=Fraction(1, 2))))[:5] == [
        0,
        0.25,
        0.5,
        0.75,
        1,
    ]
    assert means(through(ramp(5), step(factor=1, speed=Fraction(2)))) == [0, 0.5, 1]


def test_chosen_seconds_end_with_the_last_frame_when_nothing_is_held():
    timing = {"rate": Fraction(5), "seconds": Fraction(1), "last": LastFrame.SHORTER}
    assert means(through(ramp(3), step(**timing))) == [0, 0.25, 0.5, 0.75, 1]


def test_one_frame_is_repeated():
    frame = torch.rand(1, 3, 4, 3)
    for timing in ({"factor": 3}, {"factor": 3, "loop": True}):
        out = through(frame, step(**timing))
        assert len(out) == 3
        assert all(torch.equal(shown, frame[0]) for shown in out)


def test_nothing_is_drawn_over_a_cut():
    frames = torch.cat([torch.zeros(2, 8, 8, 3), torch.ones(2, 8, 8, 3)])
    frames[0], frames[3] = 0.01, 0.99
    drawer = Blend()
    out = means(through(frames, step(drawer, 0.3, factor=4)))
    assert out[4:9] == [0, 0, 1, 1, 1]
    assert drawer.drawn == 6
    assert 0.5 in means(through(frames, step(factor=4)))


def test_frames_that_are_the_same_are_reused():
    drawer = Blend()
    frames = torch.rand(1, 4, 4, 3).expand(3, -1, -1, -1)
    assert all(torch.equal(f, frames[0]) for f in through(frames, step(drawer, factor=4)))
    assert (drawer.drawn, drawer.prepared) == (0, [])


def test_every_frame_is_prepared_and_pulled_once():
    drawer, source = Blend(), Pulled(ramp(5))
    object.__setattr__(source, "log", [])
    list(FrameStream(source).then(step(drawer, factor=4)).frames())
    assert source.log == [0, 1, 2, 3, 4]
    assert drawer.prepared == [0, 0.25, 0.5, 0.75, 1]


def test_a_late_start_pulls_no_early_frames():
    source = Pulled(ramp(9))
    object.__setattr__(source, "log", [])
    list(FrameStream(source).then(step(factor=2)).frames(13))
    assert source.log == [6, 7, 8]


def test_what_was_opened_is_closed_also_when_the_pull_ends_early():
    drawer = Blend()
    pull = FrameStream(ImageBatch(ramp(5))).then(step(drawer, factor=4)).frames()
    next(pull)
    next(pull)
    assert (drawer.opened, drawer.closed) == (1, 0)
    pull.close()
    assert drawer.closed == 1


def test_alpha_is_blended():
    frames = ramp(2, 4)
    out = through(frames, step(factor=4))
    assert [round(float(frame[..., 3].mean()), 3) for frame in out[:5]] == [0, 0.25, 0.5, 0.75, 1]
    assert out[1].shape == frames[0].shape


def test_the_clip_after_it_knows_its_rate_and_its_report():
    stream = FrameStream(ImageBatch(ramp(25), Fraction(7))).then(step(rate=Fraction(24000, 1001)))
    assert stream.clip.describe() == "86 frames of 3x2 at 23.976 fps"
    assert stream.describe()[-1] == (
        "interpolated to 23.976 fps with blending, the last frame held"
    )


def test_another_setting_is_another_fingerprint():
    steps = [
        step(),
        step(factor=3),
        step(loop=True),
        step(scene_cut=0.3),
        step(last=LastFrame.SHORTER),
        step(speed=Fraction(1, 2)),
        Interpolate(Blend(), Timing(), "blending", "another", 0.0),
    ]
    assert len({each.fingerprint() for each in steps}) == len(steps)
    assert step().fingerprint() == step().fingerprint()


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (33, 7), (70, 90)])
def test_flow_takes_any_size(size):
    frames = torch.rand(3, *size, 4)

    @contextmanager
    def opened(clip):
        yield FlowInterpolator()

    out = through(frames, Interpolate(opened, Timing(3, loop=True), "flow", "flow", 0.0))
    assert len(out) == 9
    assert all(frame.shape == frames[0].shape and frame.isfinite().all() for frame in out)
