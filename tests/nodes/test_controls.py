"""svd-mini does what its controls say, on a photograph that it was never trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from svd_studio.training.pictures import cover
from svd_studio.video.camera_motion import estimate_homographies, motion_of
from svd_studio.video.motion_metrics import measure_motion, psnr

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

PHOTOGRAPH = Path(__file__).resolve().parents[2] / "workflows" / "api" / "first_light.jpg"
WIDTH, HEIGHT, FRAMES, STEPS = 192, 112, 8, 12


@pytest.fixture(scope="module")
def image():
    pixels = cover(np.array(Image.open(PHOTOGRAPH).convert("RGB")), WIDTH, HEIGHT)
    return torch.from_numpy(pixels)[None].float() / 255


@pytest.fixture(scope="module")
def film(mini, image):
    """Makes a clip, uint8 (T, H, W, 3), with the nodes' own functions."""
    from svd_studio.nodes.condition import SVDConditioning
    from svd_studio.nodes.run_decode import decode_film
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def make(motion_bucket_id, fps=7, seed=1, model=mini.model):
        positive, negative, latent = SVDConditioning.execute(
            mini.image_encoder, mini.vae, image, WIDTH, HEIGHT, FRAMES, motion_bucket_id, fps,
            0.0, seed, "cover", "whole picture (reference)",
        ).args  # fmt: skip
        settings = SamplerSettings(seed, STEPS, "karras", "euler", 0.0, 0.0, 1.0)
        sampled, _ = run_sampler(model, positive, negative, latent, settings)
        frames, _ = decode_film(mini.vae, sampled["samples"])
        return (frames * 255).round().byte().numpy()

    with torch.inference_mode():
        return make


@pytest.fixture(scope="module")
def lively(film):
    with torch.inference_mode():
        return film(200)


def test_a_higher_motion_bucket_moves_more(film, lively):
    assert measure_motion(lively).displacement > 2 * measure_motion(film(40)).displacement


def test_a_higher_frame_rate_moves_less_from_frame_to_frame(film, lively):
    assert measure_motion(film(200, fps=14)).displacement < measure_motion(lively).displacement


def test_the_picture_moves_as_one(lively):
    assert measure_motion(lively).affine_share > 0.6


def test_the_first_frame_is_the_picture(mini, image, lively):
    still = mini.vae.decode(mini.vae.encode(image))
    assert psnr(lively[0], (still[0] * 255).round().byte().numpy()) > 28


def test_the_built_in_lora_turns_the_pan_around(mini, film):
    from svd_studio.nodes.lora_inputs import BUILT_IN
    from svd_studio.nodes.run_lora import LoraSettings, add_lora

    (name,) = BUILT_IN
    went = []
    for strength in (1.0, -1.0):
        model, report, _ = add_lora(mini.model, name, None, LoraSettings(strength))
        assert "careful" not in report  # it was trained on this svd-mini
        assert "not matched" not in report
        went.append(motion_of(estimate_homographies(film(200, model=model))[-1]).shift_x)
    assert went[0] > 0.01 > -0.005 > went[1]  # frame widths that the picture goes to the right
