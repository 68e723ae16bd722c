"""Which frame comes from where: exact, in order, and as long as promised."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.interpolate.plan import LastFrame, Moment, Timing, audio_seconds
from svd_studio.video.stream import Clip

FILM = Fraction(24000, 1001)
NTSC = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]
rates = st.sampled_from([Fraction(n) for n in (1, 7, 8, 12, 24, 25, 30, 50, 60)] + NTSC)
counts = st.integers(1, 300)
factors = st.integers(1, 16)
speeds = st.sampled_from([Fraction(n, 20) for n in (1, 3, 10, 19, 20, 21, 40, 80)])
timings = st.builds(
    Timing,
    factor=factors,
    rate=st.none() | rates,
    speed=speeds,
    last=st.sampled_from(LastFrame),
    loop=st.booleans(),
)


def clip(count, rate=None):
    return Clip(count, 4, 4, 3, rate)


def place(moment):
    return moment.index + moment.t


@given(timings, counts, rates)
def test_moments_rise_evenly_within_the_film(timing, count, rate):
    plan = timing.plan(clip(count, rate))
    moments = list(plan.moments())
    assert len(moments) == plan.count >= 1
    assert moments[0] == Moment(0, 0)
    for number, moment in enumerate(moments):
        assert 0 <= moment.index < count
        assert 0 <= moment.t < 1
        assert place(moment) == min(number * plan.step, count if plan.loop else count - 1)
        assert plan.loop or moment.index < count - 1 or moment.t == 0


@given(timings, counts, rates, st.integers(0, 400))
def test_a_pull_from_the_middle_is_the_rest_of_a_whole_one(timing, count, rate, start):
    plan = timing.plan(clip(count, rate))
    assert list(plan.moments(start)) == list(plan.moments())[start:]


@given(counts, factors, rates)
def test_a_factor_multiplies_frames_and_rate_exactly(count, factor, rate):
    held = Timing(factor).plan(clip(count, rate))
    assert (held.count, held.rate) == (count * factor, rate * factor)
    assert held.count / held.rate == count / rate
    shorter = Timing(factor, last=LastFrame.SHORTER).plan(clip(count, rate))
    assert shorter.count == (count - 1) * factor + 1
    assert place(shorter.moment(shorter.count - 1)) == count - 1
    for plan in (held, shorter):
        own = [plan.moment(factor * number) for number in range(count)]
        assert own == [Moment(number, 0) for number in range(count)]


@given(counts, rates, rates, speeds)
def test_a_target_rate_keeps_the_duration_within_a_frame(count, source, target, speed):
    plan = Timing(rate=target, speed=speed).plan(clip(count, source))
    wanted = count / source / speed
    assert plan.rate == target
    assert abs(plan.count / target - wanted) <= 1 / target


@given(counts, rates, rates, speeds)
def test_frames_of_a_target_rate_are_on_time(count, source, target, speed):
    plan = Timing(rate=target, speed=speed).plan(clip(count, source))
    for number, moment in enumerate(plan.moments()):
        film_time = place(moment) / source
        assert film_time == min(number / target * speed, (count - 1) / source)


@given(counts, timings, rates)
def test_a_loop_closes_by_a_step_like_all_others(count, timing, rate):
    plan = Timing(timing.factor, timing.rate, None, timing.speed, loop=True).plan(clip(count, rate))
    places = [place(moment) for moment in plan.moments()]
    assert places[-1] + plan.step == count
    assert places == [number * plan.step for number in range(plan.count)]


@given(counts.filter(lambda n: n > 1), st.integers(1, 400), rates, st.sampled_from(LastFrame))
def test_chosen_seconds_take_the_whole_film(count, tenths, target, last):
    seconds = Fraction(tenths, 10)
    plan = Timing(rate=target, seconds=seconds, last=last).plan(clip(count))
    assert abs(plan.count / target - seconds) <= max(1 / target - seconds, 1 / (2 * target))
    end = plan.moment(plan.count - 1)
    if last is LastFrame.SHORTER and plan.count > 1:
        assert end == Moment(count - 1, 0)
    else:
        assert count - plan.step <= place(end) + (1 if end.index == count - 1 else 0)


def test_the_rates_of_the_issue():
    plan = Timing(2).plan(clip(25, FILM))
    assert plan.rate == Fraction(48000, 1001)
    svd = Timing(rate=FILM).plan(clip(25, Fraction(7)))
    assert (svd.count, svd.rate) == (86, FILM)
    assert svd.moment(1) == Moment(0, Fraction(7 * 1001, 24000))
    five = Timing(rate=Fraction(24), seconds=Fraction(5)).plan(clip(25, Fraction(7)))
    assert five.count == 120
    assert five.speed == Fraction(25, 35)


def test_a_factor_needs_no_rate_and_anything_else_says_that_it_does():
    plan = Timing(3).plan(clip(4))
    assert (plan.count, plan.rate) == (12, None)
    assert Timing(2, source_rate=Fraction(7)).plan(clip(4)).rate == 14
    assert Timing(2, source_rate=Fraction(7)).plan(clip(4, Fraction(8))).rate == 14
    for asked in (Timing(rate=FILM), Timing(2, seconds=Fraction(5))):
        with pytest.raises(ValueError, match="source_fps"):
            asked.plan(clip(4))
    assert Timing(rate=FILM, seconds=Fraction(5)).plan(clip(4)).count == 120


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"factor": 0}, "factor"),
        ({"speed": Fraction(5)}, "0.05 to 4"),
        ({"speed": Fraction(1, 100)}, "0.05 to 4"),
        ({"seconds": Fraction(-1)}, "more than 0"),
        ({"seconds": Fraction(1), "speed": Fraction(1, 2)}, "Both"),
    ],
)
def test_numbers_out_of_range_are_named(wrong, says):
    with pytest.raises(ValueError, match=says):
        Timing(**wrong)


@given(counts, rates, rates, st.booleans())
def test_sound_goes_with_a_film_as_fast_as_it_was(count, source, target, loop):
    plan = Timing(rate=target, loop=loop).plan(clip(count, source))
    if plan.count > 1 or not loop:
        assert audio_seconds(plan, source) == plan.count / target


@given(counts, rates, speeds.filter(lambda speed: speed != 1))
def test_sound_does_not_go_with_another_speed(count, rate, speed):
    plan = Timing(16, speed=speed).plan(clip(count + 20, rate))
    assert audio_seconds(plan, rate) is None
    assert audio_seconds(Timing(2).plan(clip(count)), None) is None


def test_frames_drawn_are_those_between():
    assert Timing(4).plan(clip(5)).drawn == 12
    assert Timing(4, loop=True).plan(clip(5)).drawn == 15
    assert Timing(1).plan(clip(5)).drawn == 0
