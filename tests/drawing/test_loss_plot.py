"""The picture of a training's loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.drawing import loss_plot
from svd_studio.drawing.canvas import GROUND
from svd_studio.drawing.loss_plot import plot_losses

LOSS = st.one_of(st.floats(1e-9, 1e6), st.sampled_from([0.0, math.nan, math.inf]))
LOSSES = st.lists(st.tuples(st.integers(0, 10**6), LOSS), max_size=12)
FALLING = [(step, 0.1 + 0.4 * 0.99**step) for step in range(1, 400)]
RISING = [(step, 0.6 - loss) for step, loss in FALLING]
CURVES = slice(int(loss_plot.TOP), int(loss_plot.BOTTOM)), slice(100, int(loss_plot.RIGHT) - 4)


def rows_of(picture, colour, columns):
    """Mean row of the pixels of about this colour in some of the curves' columns."""
    part = picture[CURVES][:, columns].astype(int)
    return np.nonzero(np.abs(part - colour).max(axis=2) < 40)[0].mean()


@given(LOSSES, LOSSES)
def test_any_losses_make_a_picture_of_one_size(training, validation):
    picture = plot_losses(training, validation, "a run")
    assert picture.shape == (540, 1200, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "losses"), [("falling", FALLING), ("rising", RISING)], ids=["falling", "rising"]
)
@pytest.mark.parametrize("kind", ["training", "validation"])
def test_curves_go_where_the_losses_go(kind, name, losses):
    both = {"training": [], "validation": []} | {kind: losses}
    picture = plot_losses(both["training"], both["validation"], name)
    colour = loss_plot.COLOURS[kind]
    first, last = rows_of(picture, colour, slice(0, 90)), rows_of(picture, colour, slice(-90, None))
    assert (last > first) == (name == "falling")  # down the rows


def test_a_wild_step_does_not_flatten_the_rest():
    wild = [(step, 40.0 if step == 200 else loss) for step, loss in FALLING]
    calm, spiked = (
        rows_of(plot_losses(run, [], ""), loss_plot.TRAINING, slice(0, 90))
        for run in (FALLING, wild)
    )
    assert spiked == pytest.approx(calm, abs=5)


def test_the_order_of_the_steps_does_not_matter():
    assert np.array_equal(plot_losses(FALLING, [], ""), plot_losses(FALLING[::-1], [], ""))


def test_a_run_without_steps_says_so_in_place_of_axes():
    picture = plot_losses([], [(0, math.nan)], "")
    words = (picture != GROUND).any(axis=2)
    assert 0 < words.mean() < 0.01
