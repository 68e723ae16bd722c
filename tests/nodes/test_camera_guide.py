"""A guided run in core's samplers, against the method's own loop written out."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from svd_studio.sampling.camera import Ease, Pose, still, straight

pytestmark = pytest.mark.usefixtures("as_executed", "one_thread")

FILM = (128, 64, 4)


@pytest.fixture(scope="module")
def picture():
    """A wide view of waves, 160x80."""
    y, x = torch.meshgrid(torch.arange(80.0), torch.arange(160.0), indexing="ij")
    return (torch.stack([(x / 9).sin(), (y / 7).cos(), (x + y).mul(0.1).sin()], -1) * 0.4 + 0.5)[
        None
    ]


@pytest.fixture
def guided(mini, picture):
    """Call it with a method and more for `apply_guide`: model, latent and the guide."""
    from svd_studio.nodes.camera_guide import guide_for
    from svd_studio.nodes.run_camera_guide import FollowingSettings, apply_guide
    from svd_studio.sampling.conditioning import FilmShape
    from svd_studio.sampling.following import Method
    from svd_studio.sampling.framing import Fit

    def make(method="clock", strength=1.0, path=None, **settings):
        path = path or straight(Pose(pan=6), Ease.LINEAR)
        guide = guide_for(picture, path, FilmShape(*FILM), Fit.COVER, None)
        settings = FollowingSettings(Method(method), strength, **settings)
        return *apply_guide(mini.model, mini.vae, guide, settings), guide

    return make


def sample(model, conditioning, latent, start=0.0, steps=6, sampler="euler", seed=3):
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    positive, negative, _ = conditioning
    settings = SamplerSettings(seed, steps, "karras", sampler, start, 0.0, 1.0)
    return run_sampler(model, positive, negative, latent, settings)


def test_the_clock_is_time_to_moves_loop(mini, conditioning, guided):
    """Their loop: x starts at z + eps sigma, and above the end sigma the known part is put back
    after every Euler step, with one noise."""
    import comfy.sample
    from svd_studio.models.patches.guidance import with_guidance
    from svd_studio.sampling.guidance import FrameGuidance
    from svd_studio.sampling.sigmas import make_sigmas

    model, latent, _ = guided(start_sigma=40.0, end_sigma=5.0, holes_sigma=100.0)
    ours, report = sample(model, conditioning, latent)

    plain = with_guidance(mini.model, FrameGuidance(1.0, 2.0))
    sigmas = make_sigmas("karras", 6, 40.0, 0.002)
    z = mini.model.model.process_latent_in(latent["samples"])
    eps = comfy.sample.prepare_noise(z, 3)
    known = 1 - latent["noise_mask"]
    x = z + eps * sigmas[0]
    for sigma, below in pairwise(sigmas):
        x0 = one_prediction(plain, conditioning, x, sigma)
        x = x0 + (x - x0) * below / sigma
        if sigma > 5.0:
            x = (1 - known) * x + known * (z + eps * below)
    theirs = mini.model.model.process_latent_out(x)
    # Their x0 is read off a step of core's from sigma 40, which costs digits.
    assert (ours["samples"] - theirs).abs().max() < 5e-3 * theirs.abs().max()
    assert "sigma 40 to 5" in report


def one_prediction(model, conditioning, x, sigma):
    """x0 with guidance, out of one step of core's Euler from `sigma` to zero."""
    import comfy.sample
    import comfy.samplers

    positive, negative, _ = conditioning
    latent = model.model.process_latent_out(x)
    result = comfy.sample.sample_custom(
        model, torch.zeros_like(x), 2.0, comfy.samplers.sampler_object("euler"),
        torch.tensor([float(sigma), 0.0]), positive, negative, latent, disable_pbar=True,
    )  # fmt: skip
    return model.model.process_latent_in(result)


def test_no_strength_leaves_the_film_as_it_is_to_the_last_bit(mini, conditioning, guided):
    for method in ("clock", "refine", "warp"):
        model, latent, _ = guided(method, strength=0.0)
        ours, _ = sample(model, conditioning, latent)
        theirs, _ = sample(mini.model, conditioning, conditioning[2])
        assert torch.equal(ours["samples"], theirs["samples"])


@pytest.mark.parametrize("method", ["clock", "refine", "warp"])
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
def test_every_method_runs_in_every_sampler_and_changes_the_film(
    mini, conditioning, guided, method, sampler
):
    model, latent, _ = guided(method)
    ours, report = sample(model, conditioning, latent, sampler=sampler)
    theirs, _ = sample(mini.model, conditioning, conditioning[2], sampler=sampler)
    assert torch.isfinite(ours["samples"]).all()
    assert not torch.allclose(ours["samples"], theirs["samples"], atol=1e-2)
    assert f"guide by {method}" in report


@pytest.mark.parametrize(("method", "extra"), [("clock", 0), ("refine", 6), ("warp", 3)])
def test_the_report_counts_the_evaluations_that_are_made(conditioning, guided, method, extra):
    from comfy.patcher_extension import WrappersMP

    model, latent, _ = guided(method, start_sigma=60.0, end_sigma=4.0)
    calls = []

    def count(executor, *args):
        calls.append(1)
        return executor(*args)

    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "count", count)
    _, report = sample(model, conditioning, latent, start=60.0)
    assert f", {extra} extra evaluations" in report
    assert len(calls) == 6 + extra


def test_cores_own_ksampler_follows_the_guide_too(conditioning, guided):
    """From all of the noise: the clock holds the guide from there on as well."""
    from svd_studio.models.patches.guidance import with_guidance
    from svd_studio.sampling.guidance import FrameGuidance

    from nodes import common_ksampler

    model, latent, guide = guided(end_sigma=0.5, holes_sigma=1000.0)
    positive, negative, _ = conditioning
    model = with_guidance(model, FrameGuidance(1.0, 2.0))
    (out,) = common_ksampler(model, 3, 8, 2.0, "euler", "karras", positive, negative, latent)
    known = 1 - guide.latent_mask()
    error = ((out["samples"] - latent["samples"]) * known).square().mean()
    assert error < 0.3 * (latent["samples"] * known).square().mean()


def test_the_guide_and_the_memory_plan_do_not_disturb_each_other(conditioning, guided):
    from svd_studio.models.patches.memory import with_memory_plan

    for method in ("clock", "refine", "warp"):
        model, latent, _ = guided(method)
        whole, _ = sample(model, conditioning, latent)
        little, _ = sample(with_memory_plan(model, 20 * 2**20), conditioning, latent)
        scale = whole["samples"].abs().max()
        assert (whole["samples"] - little["samples"]).abs().max() < 1e-3 * scale


def test_guiding_a_guided_model_again_replaces_the_guide(conditioning, guided, picture, mini):
    model, _, guide = guided("refine")
    from svd_studio.nodes.run_camera_guide import FollowingSettings, apply_guide
    from svd_studio.sampling.following import Method

    twice, latent = apply_guide(model, mini.vae, guide, FollowingSettings(Method.CLOCK, 1.0))
    once, latent_once = apply_guide(
        mini.model, mini.vae, guide, FollowingSettings(Method.CLOCK, 1.0)
    )
    a, _ = sample(twice, conditioning, latent)
    b, _ = sample(once, conditioning, latent_once)
    assert torch.equal(a["samples"], b["samples"])


def test_the_bucket_that_is_advised_is_faster_for_a_faster_move(mini, picture):
    from svd_studio.nodes.run_camera_guide import bucket_for

    film = torch.Size((14, 144, 256, 3))
    buckets = [
        bucket_for(mini.model, straight(Pose(pan=pan), Ease.LINEAR), film, 7.0) for pan in (1, 3, 6)
    ]
    assert buckets == sorted(set(buckets))
    assert bucket_for(mini.model, still(), film, 7.0) == 0


def test_a_move_that_is_too_large_is_warned_of(mini, picture):
    from svd_studio.nodes.camera_guide import SVDCameraGuide

    def report(degrees):
        path = straight(Pose(pan=degrees), Ease.LINEAR)
        return SVDCameraGuide.execute(
            mini.model, mini.vae, picture, path, "clock", 1.0, 0, 0, 0, 3, 1, *FILM, 7.0, "cover",
            True, 4.0,
        ).args[-1]  # fmt: skip

    assert len(report(6).splitlines()) == 2
    assert "15" in report(20)


def test_a_clip_of_frames_is_a_guide_and_its_mask_says_where(mini):
    from svd_studio.nodes.apply_guide import SVDApplyGuide, SVDGuideFromFrames

    frames, mask = torch.rand(4, 64, 128, 3), torch.zeros(1, 64, 128)
    mask[:, :, :64] = 1
    guide = SVDGuideFromFrames.execute(frames, mask).args[0]
    assert guide.holes[:, :, 64:].all()
    assert guide.holes[:, :, :64].sum() == 0
    _, latent = SVDApplyGuide.execute(mini.model, mini.vae, guide, "clock", 1.0, 0, 0, 0, 3, 1).args
    assert latent["samples"].shape == (4, 4, 8, 16)
    assert latent["noise_mask"].shape == (4, 1, 8, 16)


@pytest.mark.parametrize(
    ("images", "mask", "told"),
    [
        (torch.zeros(4, 60, 128, 3), None, "height is 60"),
        (torch.zeros(4, 64, 128, 3), torch.zeros(1, 32, 64), "64x32 for 4 frames"),
        (torch.zeros(4, 64, 128, 3), torch.zeros(3, 64, 128), "3 of 128x64"),
    ],
)
def test_frames_and_masks_that_do_not_fit_are_refused(core, images, mask, told):
    from svd_studio.nodes.apply_guide import guide_from_frames

    with pytest.raises(ValueError, match=told):
        guide_from_frames(images, mask)


def test_warp_without_a_camera_is_refused(mini):
    from svd_studio.nodes.apply_guide import SVDApplyGuide, guide_from_frames

    guide = guide_from_frames(torch.zeros(4, 64, 128, 3), None)
    with pytest.raises(ValueError, match="needs a camera path"):
        SVDApplyGuide.execute(mini.model, mini.vae, guide, "warp", 1.0, 0, 0, 0, 3, 1)
