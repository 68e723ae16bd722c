"""Size buckets."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from svd_studio.training.clips.sizes import WIDEST, Size, buckets, ladder, size_for, step_of

sides = st.integers(16, 4000)
budgets = st.tuples(st.integers(4, 32), st.integers(4, 32))  # in steps
steps = st.sampled_from([8, 16, 32, 64])


@given(budgets, steps)
def test_a_bucket_is_on_the_grid_and_has_no_more_pixels_than_asked_for(budget, step):
    width, height = (side * step for side in budget)
    for size in buckets(width, height, step):
        assert size.width % step == size.height % step == 0
        assert size.width * size.height <= width * height
        assert size.width * (size.height + step) > width * height
        assert 1 / WIDEST <= size.width / size.height <= WIDEST


@given(budgets, steps)
def test_the_size_that_is_asked_for_is_a_bucket(budget, step):
    width, height = (side * step for side in budget)
    if max(width / height, height / width) <= WIDEST:
        assert Size(width, height) in buckets(width, height, step)


@given(sides, sides, budgets, steps)
def test_a_film_is_enlarged_only_if_it_is_smaller_than_every_bucket(width, height, budget, step):
    asked = [side * step for side in budget]
    choices = [bucket for buckets in ladder(*asked) for bucket in buckets]
    fits = any(bucket.width <= width and bucket.height <= height for bucket in choices)
    assume(choices)
    size = size_for(Size(width, height), *asked)
    assert size in choices
    assert fits == (size.width <= width and size.height <= height)


@given(sides, sides, budgets, steps)
def test_no_bucket_as_large_and_that_fits_has_a_nearer_shape(width, height, budget, step):
    asked = [side * step for side in budget]
    largest = next(ladder(*asked))
    fitting = [b for b in largest if b.width <= width and b.height <= height]
    assume(fitting)
    size = size_for(Size(width, height), *asked)
    assert size in fitting

    def distance(bucket):
        return abs(math.log(bucket.width / bucket.height * height / width))

    assert distance(size) == pytest.approx(min(map(distance, fitting)), abs=1e-9)


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ((1920, 1080), (1024, 576)),
        ((1080, 1920), (576, 1024)),
        ((4000, 4000), (768, 768)),
        ((1280, 960), (896, 640)),
        ((640, 360), (512, 288)),
        ((320, 180), (512, 288)),  # smaller than all: enlarged
    ],
)
def test_films_get_the_size_that_one_expects(source, size):
    assert size_for(Size(*source), 1024, 576) == size


@pytest.mark.parametrize(
    ("size", "step"), [((1024, 576), 64), ((256, 144), 16), ((512, 288), 32), ((120, 64), 8)]
)
def test_the_step_is_the_coarsest_that_divides_both_sides(size, step):
    assert step_of(*size) == step
