"""SVD Light Sweep: its frames, its guide, and what a mask means."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.conditioning import FilmShape
from svd_studio.sampling.framing import Fit, fit_picture
from svd_studio.sampling.light_sweep import LightSweep
from torch.testing import assert_close

pytestmark = pytest.mark.usefixtures("as_executed", "one_thread")

FILM = FilmShape(64, 64, 5)


@pytest.fixture
def guided(core, photograph):
    """Call it with a mask: the guide for 5 frames of 64x64, cut out of the photograph."""
    from svd_studio.nodes.light_sweep import light_guide

    def make(mask=None, fit=Fit.COVER):
        return light_guide(photograph, mask, LightSweep(), FILM, fit)

    return make


def test_the_first_frame_is_the_picture_to_the_last_bit_and_the_last_nearly(guided, photograph):
    frames = guided().frames
    still = fit_picture(photograph, 64, 64, Fit.COVER)[0]
    assert frames.shape == (5, 64, 64, 3)
    assert torch.equal(frames[0], still)
    assert_close(frames[-1], still, rtol=0, atol=1e-5)
    assert (frames[2] - still).max() > 0.1


def test_the_guide_holds_everywhere(guided):
    assert not guided().holes.any()


def test_an_empty_mask_is_none(guided):
    """ComfyUI's Load Image gives 64x64 zeros where nobody has painted."""
    assert torch.equal(guided(torch.zeros(1, 64, 64)).frames, guided().frames)


def test_bars_stay_black(guided):
    frames = guided(fit=Fit.CONTAIN).frames
    assert frames[:, [0, 1, -2, -1]].max() < 1e-3
    assert (frames[2] - frames[0]).max() > 0.1


@pytest.mark.parametrize("fit", list(Fit))
def test_the_mask_lies_as_the_picture_does(guided, photograph, fit):
    mask = torch.zeros(1, 64, 128)
    mask[:, :, 64:] = 1
    frames, still = guided(mask, fit).frames, fit_picture(photograph, 64, 64, fit)[0]
    lit = (frames - still).amax((0, 1, 3)) > 1e-3
    assert not lit[:30].any()
    assert lit[34:].all()


def test_a_mask_of_other_proportions_is_refused(guided):
    with pytest.raises(ValueError, match="The mask is 64x64 and the picture 128x64"):
        guided(torch.ones(1, 64, 64))


def test_svd_films_the_light(mini, photograph, conditioning):
    """The sampled film brightens where and when the guide does."""
    from svd_studio.nodes.apply_guide import SVDApplyGuide
    from svd_studio.nodes.light_sweep import SVDLightSweep
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    frames, guide = SVDLightSweep.execute(
        mini.vae, photograph, 0.0, 0.6, 2.0, 6500.0, 0.01, 0.0, 1.0, "linear", 128, 64, 4, "cover"
    ).args
    model, latent = SVDApplyGuide.execute(
        mini.model, mini.vae, guide, "clock", 1.0, 0.0, 0.0, 0.0, 3, 1
    ).args
    positive, negative, _ = conditioning
    settings = SamplerSettings(1, 6, "karras", "euler", 0.0, 0.0, 1.0)
    sampled, _ = run_sampler(model, positive, negative, latent, settings)
    film = mini.vae.decode(sampled["samples"])
    film = film.reshape(-1, *film.shape[-3:])

    def columns(clip):
        """What each frame has more of light than the first, by eighths of the width."""
        added = (clip - clip[:1])[1:-1].mean(-1)
        return added.unflatten(2, (8, 16)).mean((1, 3)).flatten()

    together = torch.stack([columns(film), columns(frames)])
    assert torch.corrcoef(together)[0, 1] > 0.8
