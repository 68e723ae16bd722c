from __future__ import annotations

import pytest
import torch
from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import (
    _resize_with_antialiasing,
)
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.framing import (
    CLIP_MEAN,
    CLIP_STD,
    Fit,
    composite,
    fit_picture,
    whole_picture_for_clip,
)
from torch.testing import assert_close

FITS = pytest.mark.parametrize("fit", Fit, ids=lambda fit: fit.value)
SIDES = st.integers(1, 70)


def picture(height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(1, height, width, channels, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("height", "width"),
    [(576, 1024), (225, 223), (100, 60), (300, 150), (224, 224), (1000, 224)],
    ids=["down", "nearly equal", "up", "down and up", "equal", "down in one axis"],
)
def test_image_encoder_sees_what_the_reference_shows_it(height, width):
    image = picture(height, width)
    resized = _resize_with_antialiasing(image.movedim(-1, 1) * 2 - 1, (224, 224))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (CLIP_MEAN, CLIP_STD))
    expected = ((resized + 1) / 2 - mean) / std
    assert_close(whole_picture_for_clip(image), expected, rtol=0, atol=2e-5)


def test_image_encoder_may_want_another_size():
    assert whole_picture_for_clip(picture(50, 80), size=336).shape == (1, 3, 336, 336)


@FITS
@given(h=SIDES, w=SIDES, height=SIDES, width=SIDES)
def test_picture_gets_the_size_of_the_film(fit, h, w, height, width):
    assert fit_picture(picture(h, w), width, height, fit).shape == (1, height, width, 3)


@FITS
def test_picture_of_the_right_size_is_left_alone(fit):
    image = picture(16, 24)
    assert fit_picture(image, 24, 16, fit) is image


@FITS
def test_fitted_picture_stays_in_range(fit):
    stripes = (torch.arange(60) % 7 < 3).float().view(1, 1, -1, 1).expand(1, 40, -1, 3)
    fitted = fit_picture(stripes, 48, 48, fit)
    assert 0 <= fitted.min() <= fitted.max() <= 1


@pytest.mark.parametrize("fit", [Fit.COVER, Fit.STRETCH], ids=["cover", "stretch"])
def test_filled_frame_has_no_bars(fit):
    assert_close(fit_picture(torch.ones(1, 40, 100, 3), 64, 64, fit), torch.ones(1, 64, 64, 3))


def test_contain_adds_bars_of_equal_height():
    fitted = fit_picture(torch.ones(1, 50, 100, 3), 64, 64, Fit.CONTAIN)
    rows = fitted.amin(dim=(0, 2, 3)).round(decimals=5)
    assert rows.tolist() == [0.0] * 16 + [1.0] * 32 + [0.0] * 16


def test_contain_adds_bars_of_equal_width():
    fitted = fit_picture(torch.ones(1, 100, 50, 3), 64, 64, Fit.CONTAIN)
    columns = fitted.amin(dim=(0, 1, 3)).round(decimals=5)
    assert columns.tolist() == [0.0] * 16 + [1.0] * 32 + [0.0] * 16


def test_cover_keeps_the_centre():
    image = torch.zeros(1, 32, 96, 3)
    image[:, :, 32:64] = 1
    assert_close(fit_picture(image, 32, 32, Fit.COVER), torch.ones(1, 32, 32, 3))


def test_stretch_keeps_the_edges():
    image = torch.zeros(1, 32, 96, 3)
    image[:, :, :48] = 1
    fitted = fit_picture(image, 32, 32, Fit.STRETCH)
    assert_close(fitted[0, :, [0, -1], 0], torch.tensor([[1.0, 0.0]]).expand(32, 2))


def test_shrinking_does_not_alias():
    checkers = ((torch.arange(256)[:, None] + torch.arange(256)) % 2).float()
    fitted = fit_picture(checkers.view(1, 256, 256, 1).expand(-1, -1, -1, 3), 60, 60, Fit.COVER)
    assert (fitted[:, 2:-2, 2:-2] - 0.5).abs().max() < 0.02


def test_grey_becomes_three_equal_channels():
    image = picture(4, 5, channels=1)
    assert_close(composite(image), torch.cat([image] * 3, dim=-1))


def test_colour_is_left_alone():
    image = picture(4, 5)
    assert composite(image) is image


def test_transparency_is_laid_over_black():
    image = torch.tensor([0.8, 0.4, 0.2, 0.5]).view(1, 1, 1, 4)
    assert_close(composite(image), torch.tensor([0.4, 0.2, 0.1]).view(1, 1, 1, 3))


@pytest.mark.parametrize("channels", [2, 5])
def test_unknown_channels_are_refused_by_number(channels):
    with pytest.raises(ValueError, match=f"^The picture has {channels} channels; expected"):
        composite(picture(4, 5, channels))
