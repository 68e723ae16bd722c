"""Grain, sharpening, bars and fades, measured."""

from __future__ import annotations

from fractions import Fraction

import cv2
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.video.look.fades import Fade, FadeTo, frames_of
from svd_studio.video.look.grain import Grain
from svd_studio.video.look.letterbox import Letterbox, Screen, bars
from svd_studio.video.look.sharpen import Sharpen

from ..pulls import assert_alpha_is_kept, assert_any_start_gives_the_tail, film, through

STEPS = [
    Grain(0.1, 2.0, 5),
    Sharpen(1.0, 1.5),
    Letterbox(Screen.SCOPE),
    Letterbox(Screen.SQUARE),
    Fade(3, 2),
    Fade(2, 9, FadeTo.WHITE),
]
NOTHING = [Grain(0.0), Sharpen(0.0), Letterbox(Screen.NONE), Fade()]


@settings(max_examples=20)
@given(
    step=st.sampled_from(STEPS),
    count=st.integers(1, 6),
    height=st.integers(1, 17),
    width=st.integers(1, 17),
    channels=st.sampled_from([3, 4]),
)
def test_any_start_gives_the_tail_of_the_whole(step, count, height, width, channels):
    assert_any_start_gives_the_tail(step, film(count, height, width, channels))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.describe())
def test_alpha_is_kept_and_frames_stay_within_0_and_1(step):
    frames = film(5, 33, 21, 4)
    assert_alpha_is_kept(step, frames)
    out = torch.stack(through(step, frames))
    assert out.min() >= 0
    assert out.max() <= 1


@pytest.mark.parametrize("step", NOTHING, ids=lambda step: type(step).__name__)
def test_nothing_asked_for_leaves_the_very_same_frames(step):
    frames = film(3, 20, 30, 4)
    assert all(map(torch.equal, through(step, frames), frames))


def test_every_setting_changes_the_fingerprint():
    steps = [*STEPS, *NOTHING, Grain(0.1, 2.0, 6), Sharpen(1.0, 1.5, 0.0), Fade(3, 2, FadeTo.WHITE)]
    assert len({step.fingerprint() for step in steps}) == len(steps)


def grey(level: float, count: int = 1, size: int = 128) -> torch.Tensor:
    return torch.full((count, size, size, 3), level)


@pytest.mark.parametrize("size", [1.0, 1.5, 3.0])
def test_grain_has_the_amount_asked_for_at_mid_grey(size):
    (frame,) = through(Grain(0.04, size), grey(0.5))
    assert float(frame.std(correction=0)) == pytest.approx(0.04, rel=0.1)
    assert float(frame.mean()) == pytest.approx(0.5, abs=0.003)
    assert torch.equal(frame[..., 0], frame[..., 2])  # it is grey


def test_grain_is_strongest_in_the_mid_tones_and_none_in_black_and_white():
    spread = [
        float(through(Grain(0.04), grey(level))[0].std()) for level in (0.0, 0.1, 0.5, 0.9, 1.0)
    ]
    assert spread[0] == spread[4] == 0
    assert spread[2] > spread[1] > 0
    assert spread[2] > spread[3] > 0


def test_grain_is_new_in_every_frame_and_for_every_seed():
    first, second = through(Grain(0.04), grey(0.5, 2))
    (other,) = through(Grain(0.04, seed=1), grey(0.5))
    for a, b in ((first, second), (first, other), (second, other)):
        likeness = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
        assert abs(likeness) < 0.05


def test_larger_grain_is_alike_over_more_pixels():
    def likeness(size):
        plane = through(Grain(0.04, size), grey(0.5))[0][..., 0]
        pair = torch.stack([plane[:, 1:].flatten(), plane[:, :-1].flatten()])
        return float(torch.corrcoef(pair)[0, 1])

    assert abs(likeness(1.0)) < 0.05 < likeness(1.5) < likeness(3.0)


def test_sharpening_is_unsharp_masking_where_nothing_limits_it():
    frames = 0.3 + 0.4 * film(1, 40, 50)
    (frame,) = through(Sharpen(0.8, 1.2, threshold=0, halo=1), frames)
    weights = torch.tensor([0.2126, 0.7152, 0.0722])
    tone = (frames[0] @ weights).numpy()
    blurred = cv2.GaussianBlur(tone, (9, 9), 1.2, borderType=cv2.BORDER_REPLICATE)
    expected = frames[0] + torch.from_numpy(0.8 * (tone - blurred))[..., None]
    torch.testing.assert_close(frame, expected, atol=1e-5, rtol=0)


def edge() -> torch.Tensor:
    """A soft edge from 0.3 to 0.7."""
    ramp = torch.sigmoid((torch.arange(40) - 19.5) / 1.5) * 0.4 + 0.3
    return ramp.view(1, 1, 40, 1).expand(1, 24, 40, 3)


def test_an_edge_gets_steeper_without_a_halo():
    (frame,) = through(Sharpen(2.0, 1.5, halo=0.0), edge())
    before, after = edge()[0, 12, :, 0], frame[12, :, 0]
    assert after.diff().max() > 1.1 * before.diff().max()
    assert after.max() <= before.max() + 1e-6
    assert after.min() >= before.min() - 1e-6


def test_noise_below_the_threshold_is_left_alone():
    frames = 0.5 + 0.001 * torch.randn(1, 40, 40, 3, generator=torch.Generator().manual_seed(1))
    (frame,) = through(Sharpen(2.0, 1.0, threshold=0.02), frames)
    assert (frame - frames[0]).abs().max() < 1e-4


@given(height=st.integers(1, 400), width=st.integers(1, 400), screen=st.sampled_from(Screen))
def test_bars_leave_the_part_nearest_to_the_ratio(height, width, screen):
    if screen.ratio is None:
        return
    down, across = bars(height, width, screen.ratio)
    assert min(down, across) == 0
    left = (width - 2 * across) / (height - 2 * down)
    for change in (-1, 1):
        rows = height - 2 * (down + change) if down else height
        columns = width - 2 * (across + change) if across else width
        if 0 < rows <= height and 0 < columns <= width:
            assert abs(left - screen.ratio) <= abs(columns / rows - screen.ratio) + 2 / rows


@pytest.mark.parametrize(
    ("screen", "down", "across"),
    [
        (Screen.SCOPE, 138, 0),
        (Screen.CINEMASCOPE, 131, 0),
        (Screen.FLAT, 21, 0),
        (Screen.WIDE, 0, 0),
        (Screen.CLASSIC, 0, 240),
        (Screen.SQUARE, 0, 420),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_bars_of_full_hd(screen, down, across):
    assert bars(1080, 1920, screen.ratio) == (down, across)


def test_the_picture_between_the_bars_is_untouched():
    frames = film(1, 40, 64)
    (frame,) = through(Letterbox(Screen.SCOPE), frames)
    down, _ = bars(40, 64, Screen.SCOPE.ratio)
    assert torch.equal(frame[down:-down], frames[0, down:-down])
    assert not frame[:down].any()
    assert not frame[-down:].any()


def test_a_fade_begins_and_ends_black_and_falls_evenly():
    out = torch.stack(through(Fade(4, 2), grey(0.8, 10, 2)))[:, 0, 0, 0]
    expected = torch.tensor([0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.4, 0])
    torch.testing.assert_close(out, expected)


def test_a_fade_to_black_dims_the_light_of_all_colours_alike():
    frames = torch.tensor([0.9, 0.5, 0.1]).expand(9, 2, 2, 3)
    frame = through(Fade(8), frames)[3][0, 0]
    ratio = frame**2.4 / frames[0, 0, 0] ** 2.4
    torch.testing.assert_close(ratio, ratio[:1].expand(3))


def test_a_fade_to_white_begins_white_and_is_even_over_black():
    out = torch.stack(through(Fade(4, to=FadeTo.WHITE), grey(0.0, 5, 2)))[:, 0, 0, 0]
    torch.testing.assert_close(out, torch.tensor([1, 0.75, 0.5, 0.25, 0]))
    out = torch.stack(through(Fade(4, to=FadeTo.WHITE), grey(0.6, 5, 2)))[:, 0, 0, 0]
    assert (out.diff() < 0).all()


def test_fades_that_overlap_meet():
    out = torch.stack(through(Fade(4, 4), grey(1.0, 5, 2)))[:, 0, 0, 0]
    torch.testing.assert_close(out, torch.tensor([0, 0.25, 0.5, 0.25, 0]))


def test_seconds_are_frames_at_the_films_rate():
    assert frames_of(0.5, Fraction(24000, 1001)) == 12
    assert frames_of(0, None) == 0
    with pytest.raises(ValueError, match="set fps"):
        frames_of(1, None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Grain(2),
        lambda: Grain(0.1, 0.5),
        lambda: Sharpen(9),
        lambda: Sharpen(1, 0),
        lambda: Fade(-1),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(ValueError, match="expected"):
        make()
