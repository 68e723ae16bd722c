from __future__ import annotations

import re

import pytest
import torch
from svd_studio.sampling.conditioning import FilmShape, augment_picture, first_picture
from torch.testing import assert_close

GREY = torch.full((1, 200, 300, 3), 0.5)


def test_augmentation_is_the_same_for_the_same_seed():
    assert_close(augment_picture(GREY, 0.1, 5), augment_picture(GREY, 0.1, 5), rtol=0, atol=0)


def test_augmentation_differs_for_another_seed():
    assert not torch.equal(augment_picture(GREY, 0.1, 5), augment_picture(GREY, 0.1, 6))


def test_augmentation_ignores_the_global_generator():
    torch.manual_seed(0)
    first = augment_picture(GREY, 0.1, 5)
    torch.manual_seed(1)
    assert_close(augment_picture(GREY, 0.1, 5), first, rtol=0, atol=0)


def test_augmentation_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    augment_picture(GREY, 0.1, 5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("level", [0.02, 0.5, 3.0])
def test_noise_has_the_told_level_in_the_range_of_training(level):
    noise = augment_picture(GREY, level, 5) - GREY
    assert noise.std().item() == pytest.approx(level / 2, rel=0.01)
    assert abs(noise.mean().item()) < level * 0.01


def test_no_augmentation_changes_nothing():
    assert augment_picture(GREY, 0.0, 5) is GREY


def test_augmentation_does_not_touch_the_picture_itself():
    image = GREY.clone()
    augment_picture(image, 1.0, 5)
    assert_close(image, GREY)


def test_largest_seed_of_the_widget_is_accepted():
    augment_picture(GREY, 0.1, 0xFFFFFFFFFFFFFFFF)


def test_first_of_a_batch_starts_the_film():
    images = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 2, 2, 3)
    assert_close(first_picture(images), torch.zeros(1, 2, 2, 3))


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (4, 4, 3), (1, 0, 4, 3)])
def test_missing_picture_is_refused_by_shape(shape):
    with pytest.raises(
        ValueError, match=rf"^No picture .*{re.escape(str(shape))}.*connect an image"
    ):
        first_picture(torch.zeros(shape))


def test_latent_is_an_eighth_of_the_film():
    assert FilmShape(1024, 576, 14).latent_shape == (14, 4, 72, 128)


@pytest.mark.parametrize(
    ("width", "height", "frames", "message"),
    [
        (1020, 576, 14, "Width is 1020; SVD needs a multiple of 8: use 1024."),
        (1024, 570, 14, "Height is 570; SVD needs a multiple of 8: use 568."),
        (0, 576, 14, "Width is 0; SVD needs a multiple of 8: use 8."),
        (1024, -64, 14, "Height is -64; SVD needs a multiple of 8: use 8."),
        (16392, 576, 14, "Width is 16392; SVD needs a multiple of 8: use 16384."),
        (1024, 576, 1, "1 frame asked for; a film needs at least 2: use 14"),
        (1024, 576, 0, "0 frame asked for; a film needs at least 2: use 14"),
    ],
    ids=["width", "height", "zero", "negative", "too large", "one frame", "no frame"],
)
def test_impossible_film_is_refused_with_value_and_remedy(width, height, frames, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refusal:
        FilmShape(width, height, frames)
    assert "\n" not in str(refusal.value)
