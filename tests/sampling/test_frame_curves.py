from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.camera import Ease
from svd_studio.sampling.frame_curves import FrameCurve, MotionCurves, SpeedCurve, parse_curve

FRAMES = st.integers(1, 60)
VALUES = st.floats(-1000, 1000)
EASES = pytest.mark.parametrize("ease", Ease, ids=lambda ease: ease.value)


@st.composite
def curves(draw):
    times = sorted(draw(st.lists(st.floats(0, 1), min_size=1, max_size=6, unique=True)))
    values = draw(st.lists(VALUES, min_size=len(times), max_size=len(times)))
    return FrameCurve(tuple(times), tuple(values), draw(st.sampled_from(Ease)))


def bucket(text: str, ease: Ease = Ease.LINEAR) -> FrameCurve:
    return parse_curve(text, "Motion bucket curve", 0, 1023, ease)


@given(value=VALUES, frames=FRAMES, ease=st.sampled_from(Ease), points=st.integers(1, 5))
def test_a_constant_curve_gives_its_value_to_the_last_bit(value, frames, ease, points):
    times = tuple(i / points for i in range(points))
    assert set(FrameCurve(times, (value,) * points, ease).at(frames)) == {value}


@given(curve=curves(), frames=FRAMES)
def test_no_frame_leaves_the_span_of_the_values(curve, frames):
    low, high = min(curve.values), max(curve.values)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in curve.at(frames))


@given(curve=curves())
def test_the_curve_goes_through_its_values(curve):
    assert [curve.value_at(time) for time in curve.times] == list(curve.values)


@given(curve=curves())
def test_the_curve_holds_before_the_first_time_and_after_the_last(curve):
    assert curve.value_at(0) == curve.values[0]
    assert curve.value_at(1) == curve.values[-1]


@given(curve=curves(), frames=st.integers(2, 30))
def test_a_film_twice_as_long_passes_the_same_values(curve, frames):
    assert curve.at(2 * frames - 1)[::2] == pytest.approx(curve.at(frames), abs=1e-6)


@given(values=st.lists(st.floats(0, 1023), min_size=1, max_size=8))
def test_what_is_written_is_what_is_read(values):
    last = max(1, len(values) - 1)
    plain = bucket(", ".join(repr(value) for value in values))
    timed = bucket(" ".join(f"{i / last!r}:{value!r}" for i, value in enumerate(values)))
    assert plain == timed
    assert plain.values == tuple(values)


@pytest.mark.parametrize(
    ("text", "at_five_frames"),
    [
        ("127", (127,) * 5),
        ("40, 200", (40, 80, 120, 160, 200)),
        ("40 200", (40, 80, 120, 160, 200)),
        ("0; 100; 0", (0, 50, 100, 50, 0)),
        ("0:40 0.5:127 1:200", (40, 83.5, 127, 163.5, 200)),
        ("0.5 : 100,\n 1 : 200", (100, 100, 100, 150, 200)),
        ("0.5:60", (60,) * 5),
    ],
)
def test_a_text_is_a_curve(text, at_five_frames):
    assert bucket(text).at(5) == at_five_frames


@EASES
def test_an_ease_shapes_the_way_and_not_its_ends(ease):
    values = bucket("40, 200", ease).at(9)
    assert (values[0], values[-1]) == (40, 200)
    assert list(values) == sorted(values)
    assert values[4] == 40 + 160 * ease.at(0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" ", ["at least one value", "write"]),
        ("fast", ['"fast" is not a number', '"127"', "0:40 0.5:127 1:200"]),
        ("nan", ["nan is not a finite number", "write"]),
        ("0:inf", ["inf is not a finite number"]),
        ("nan:3", ["nan is not a finite number"]),
        ("0:40 1.5:200", ["Time 1.5", "0 (first frame) to 1 (last"]),
        ("-0.1:40", ["Time -0.1"]),
        ("0.5:40 0.2:200", ["Time 0.2 is not after 0.5", "order"]),
        ("0:40 0:200", ["Time 0 is not after 0"]),
        ("40 1:200", ["40 has no time", "0:40 1:200"]),
        ("0:1:2", ["0:1:2 is not a time and a value"]),
        ("0:", ['"" is not a number']),
        ("2000", ["2000 is out of range", "0 to 1023"]),
        ("0:20 1:-5", ["-5 is out of range"]),
    ],
)
def test_a_text_that_is_no_curve_is_refused_in_words(text, words):
    with pytest.raises(ValueError, match="Motion bucket curve") as error:
        bucket(text)
    for word in [*words, f'"{text.strip()}"']:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("times", "values"),
    [((), ()), ((0.0,), (1.0, 2.0)), ((0.0,), (math.nan,)), ((math.nan,), (1.0,))],
    ids=["nothing", "lengths differ", "value nan", "time nan"],
)
def test_a_curve_that_is_none_is_refused(times, values):
    with pytest.raises(ValueError, match=r"needs one value|finite"):
        FrameCurve(times, values)


def test_a_film_has_a_frame():
    with pytest.raises(ValueError, match="0 frames"):
        bucket("127").at(0)


BUCKETS = st.lists(st.floats(1, 1023), min_size=1, max_size=6)


@given(value=st.floats(0, 1023), frames=FRAMES)
def test_constant_speed_is_its_bucket_to_the_last_bit(value, frames):
    assert set(SpeedCurve(FrameCurve((0.0,), (value,))).at(frames)) == {value}


@given(values=BUCKETS, ease=st.sampled_from(Ease), frames=st.integers(2, 40))
@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_speeds_never_take_the_picture_back(values, ease, frames, power):
    """Where a frame is, if speed goes with the bucket to some power up to 2."""
    curve = FrameCurve(tuple(i / len(values) for i in range(len(values))), tuple(values), ease)
    told = SpeedCurve(curve).at(frames)
    places = [i * bucket**power for i, bucket in enumerate(told)]
    assert all(b - a > -1e-9 * b for a, b in pairwise(places))


@given(values=BUCKETS, frames=st.integers(2, 40))
def test_the_way_between_two_frames_is_that_of_their_buckets(values, frames):
    curve = FrameCurve(tuple(i / len(values) for i in range(len(values))), tuple(values))
    buckets, told = curve.at(frames), SpeedCurve(curve).at(frames)
    ways = [b - a for a, b in pairwise(i * bucket**2 for i, bucket in enumerate(told))]
    expected = [(a**2 + b**2) / 2 for a, b in pairwise(buckets)]
    assert ways == pytest.approx(expected, rel=1e-6, abs=1e-6 * max(buckets) ** 2)


def test_only_what_has_a_curve_is_told():
    curves = MotionCurves(motion_bucket_id=bucket("0, 100"), augmentation_level=bucket("7"))
    assert curves.told(3) == (
        {"motion_bucket_id": 0, "augmentation_level": 7},
        {"motion_bucket_id": 50, "augmentation_level": 7},
        {"motion_bucket_id": 100, "augmentation_level": 7},
    )


def test_later_curves_go_over_earlier_ones_and_leave_the_others():
    earlier = MotionCurves(motion_bucket_id=bucket("1"), augmentation_level=bucket("7"))
    both = MotionCurves(motion_bucket_id=bucket("2")).over(earlier)
    assert both == MotionCurves(motion_bucket_id=bucket("2"), augmentation_level=bucket("7"))


def test_no_curves_are_false():
    assert not MotionCurves()
    assert MotionCurves(augmentation_level=bucket("7"))
