"""What SVD Sampler adds to core's: its own range of sigma, guidance by model, and a report."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from svd_studio.sampling.guidance import PRESETS, FrameGuidance
from svd_studio.sampling.sigmas import make_sigmas
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]


@pytest.fixture(scope="module")
def conditioning(mini, photograph):
    from svd_studio.nodes.condition import SVDConditioning

    with torch.inference_mode():
        return SVDConditioning.execute(
            mini.image_encoder, mini.vae, photograph, 64, 64, 3, 127, 7, 0.02, 5, "cover",
            "whole picture (reference)",
        ).args  # fmt: skip


@pytest.fixture
def settings(core):
    from svd_studio.nodes.run_sampler import SamplerSettings

    return SamplerSettings(7, 6, "karras", "euler", 0.0, 0.0, 2.5)


@pytest.fixture
def run(mini, conditioning):
    from svd_studio.nodes.run_sampler import run_sampler

    def run(settings, latent=None, sigmas=None, model=mini.model):
        positive, negative, empty = conditioning
        return run_sampler(model, positive, negative, latent or empty, settings, sigmas)

    return run


def test_a_run_in_two_halves_is_the_whole_run(run, settings):
    sigmas = make_sigmas("karras", 6, 700.0, 0.002)
    whole, _ = run(settings, sigmas=sigmas)
    first, _ = run(settings, sigmas=sigmas[:4])
    second, _ = run(replace(settings, add_noise=False), latent=first, sigmas=sigmas[3:])
    scale = whole["samples"].abs().max().item()
    assert_close(second["samples"], whole["samples"], rtol=0, atol=1e-4 * scale)


def test_the_range_of_sigma_is_the_one_asked_for(run, settings):
    _, report = run(replace(settings, start_sigma=100.0, end_sigma=1.0))
    assert "sigma 100 to 1" in report


def test_all_of_the_range_is_the_default(run, settings):
    _, report = run(settings)
    assert "sigma 700 to 0" in report


def test_the_report_names_model_size_seed_and_guidance(run, settings):
    _, report = run(settings)
    for words in (
        "svd-mini",
        "3 frames of 64x64",
        "seed 7",
        PRESETS["svd-mini"].describe(),
        "6 steps of euler",
    ):
        assert words in report


def test_guidance_on_the_model_wins_over_the_preset(run, settings, mini):
    from svd_studio.models.patches.guidance import with_guidance

    guided, report = run(settings, model=with_guidance(mini.model, FrameGuidance(1.0, 4.0)))
    plain, _ = run(settings)
    assert "linear 1 to 4" in report
    assert not torch.equal(guided["samples"], plain["samples"])


def test_another_seed_gives_another_film(run, settings):
    one, _ = run(settings)
    other, _ = run(replace(settings, seed=8))
    assert not torch.equal(one["samples"], other["samples"])


def test_the_film_does_not_depend_on_the_global_generator(run, settings):
    films = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        films.append(run(replace(settings, sampler="euler_ancestral"))[0]["samples"])
    assert torch.equal(*films)


def test_bf16_is_computed_as_bf16_where_the_processor_can(run, settings, mini):
    """Core stores it and computes in fp32 on every CPU. The film is nearly that of fp32."""
    from svd_studio.models.loader import computes_in_bf16, load_svd
    from svd_studio.models.sources import MINI, open_svd

    model = load_svd(open_svd(MINI), "bf16").model
    native = computes_in_bf16(model.load_device)
    assert model.model.manual_cast_dtype == (None if native else torch.float32)
    film, _ = run(settings, model=model)
    whole, _ = run(settings)
    error = (film["samples"].float() - whole["samples"]).square().mean().sqrt()
    assert error < 0.05 * whole["samples"].std()
