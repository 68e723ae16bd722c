"""What is held out."""

from hypothesis import given
from hypothesis import strategies as st
from svd_studio.training.clips.validation import FEWEST, held_out

clips = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 200)), min_size=1, max_size=60
)


@given(clips, st.floats(0.01, 0.5), st.integers(0, 9))
def test_about_the_share_is_held_out_and_never_everything(places, share, seed):
    films, starts = zip(*places, strict=True)
    distinct = set(places)
    out = {places[i] for i in held_out(films, starts, share, seed)}
    if len(distinct) < FEWEST:
        assert not out
    else:
        assert 1 <= len(out) <= max(1, round(share * len(distinct))) < len(distinct)


@given(clips, st.floats(0.01, 0.5), st.integers(0, 9))
def test_a_clip_and_its_mirror_image_stay_together(places, share, seed):
    films, starts = zip(*(places + places), strict=True)
    out = held_out(films, starts, share, seed)
    assert {i % len(places) for i in out if i < len(places)} == {
        i % len(places) for i in out if i >= len(places)
    }


def test_whole_films_are_held_out_where_they_are_small_enough():
    films = [name for name in "abcdefghij" for _ in range(2)]
    out = held_out(films, list(range(20)), 0.1, seed=3)
    assert len(out) == 2
    assert len({films[i] for i in out}) == 1


def test_of_large_films_the_last_clips_of_one_are_held_out():
    films, starts = ["a"] * 10 + ["b"] * 10, list(range(10)) * 2
    out = held_out(films, starts, 0.1, seed=0)
    assert out in ({8, 9}, {18, 19})


def test_another_seed_holds_out_another_film():
    films, starts = list("abcdefghijklmnop"), [0] * 16
    assert len({tuple(held_out(films, starts, 0.05, seed)) for seed in range(8)}) > 2


def test_a_share_of_nothing_holds_out_nothing():
    assert not held_out(["a"] * 9, range(9), 0.0, 0)
