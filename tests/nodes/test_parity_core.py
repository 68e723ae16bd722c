"""The pack's sampler against ComfyUI's own, on the miniature."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.guidance import FrameGuidance, GuidanceShape
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

STEPS, SEED, FRAMES = 4, 9, 3


@pytest.fixture(scope="module")
def conditioning(mini, photograph):
    """Positive, negative and latent of core's own node."""
    from comfy_extras.nodes_video_model import SVD_img2vid_Conditioning

    with torch.inference_mode():
        return SVD_img2vid_Conditioning().encode(
            mini.image_encoder, photograph.clone(), mini.vae, 128, 64, FRAMES, 127, 7, 0.0
        )


def of_core(patch, model, conditioning, sampler="euler", scheduler="karras", cfg=2.5):
    from nodes import KSampler

    (guided,) = patch().patch(model, 1.0)
    return KSampler().sample(guided, SEED, STEPS, cfg, sampler, scheduler, *conditioning)[0]


def of_pack(model, conditioning, sampler="euler", sigmas=None):
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    settings = SamplerSettings(SEED, STEPS, "karras", sampler, 0.0, 0.0, 2.5)
    return run_sampler(model, *conditioning, settings, sigmas)[0]


@pytest.mark.parametrize(
    "sampler", ["euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "dpm_2", "uni_pc"]
)
def test_every_sampler_gives_what_core_gives(mini, conditioning, sampler):
    from comfy_extras.nodes_video_model import VideoLinearCFGGuidance
    from svd_studio.models.patches.guidance import with_guidance

    ours = of_pack(with_guidance(mini.model, FrameGuidance(1.0, 2.5)), conditioning, sampler)
    theirs = of_core(VideoLinearCFGGuidance, mini.model, conditioning, sampler)
    assert_close(ours["samples"], theirs["samples"], rtol=0, atol=1e-5)


def test_triangle_guidance_gives_what_core_gives(mini, conditioning):
    from comfy_extras.nodes_video_model import VideoTriangleCFGGuidance
    from svd_studio.models.patches.guidance import with_guidance

    guidance = FrameGuidance(1.0, 2.5, GuidanceShape.TRIANGLE)
    ours = of_pack(with_guidance(mini.model, guidance), conditioning)
    theirs = of_core(VideoTriangleCFGGuidance, mini.model, conditioning)
    assert_close(ours["samples"], theirs["samples"], rtol=0, atol=1e-5)


def test_guidance_of_core_is_kept(mini, conditioning):
    from comfy_extras.nodes_video_model import VideoLinearCFGGuidance

    (guided,) = VideoLinearCFGGuidance().patch(mini.model, 1.0)
    theirs = of_core(VideoLinearCFGGuidance, mini.model, conditioning)
    ours = of_pack(guided, conditioning)
    assert_close(ours["samples"], theirs["samples"], rtol=0, atol=1e-5)


def test_guidance_of_the_pack_works_in_the_sampler_of_core(mini, conditioning):
    from svd_studio.models.patches.guidance import with_guidance

    from nodes import KSampler

    guided = with_guidance(mini.model, FrameGuidance(1.0, 2.5))
    (theirs,) = KSampler().sample(guided, SEED, STEPS, 7.0, "euler", "karras", *conditioning)
    ours = of_pack(guided, conditioning)
    assert_close(ours["samples"], theirs["samples"], rtol=0, atol=1e-5)


def test_align_your_steps_is_the_schedule_of_core(core):
    from comfy_extras.nodes_align_your_steps import AlignYourStepsScheduler
    from svd_studio.sampling.sigmas import make_sigmas

    for steps in (5, 10, 25):
        (theirs,) = AlignYourStepsScheduler.execute("SVD", steps, 1.0).args
        ours = make_sigmas("align-your-steps", steps, 700.0, 0.002)
        assert_close(ours, theirs, rtol=1e-5, atol=0)


def test_two_halves_of_a_schedule_are_the_whole(mini, conditioning):
    from svd_studio.models.patches.guidance import with_guidance
    from svd_studio.sampling.sigmas import make_sigmas

    positive, negative, latent = conditioning
    model = with_guidance(mini.model, FrameGuidance(1.0, 2.5))
    sigmas = make_sigmas("karras", STEPS, 700.0, 0.002)
    whole = of_pack(model, conditioning, sigmas=sigmas)["samples"]
    half = of_pack(model, conditioning, sigmas=sigmas[:3])
    rest = continued(model, (positive, negative, half), sigmas[2:])
    assert latent["samples"].eq(0).all()
    assert_close(rest, whole, rtol=0, atol=2e-4)


def continued(model, conditioning, sigmas):
    from comfy.sample import sample_custom
    from comfy.samplers import sampler_object

    positive, negative, latent = conditioning
    samples = latent["samples"]
    return sample_custom(
        model,
        torch.zeros_like(samples),
        2.5,
        sampler_object("euler"),
        sigmas,
        positive,
        negative,
        samples,
        disable_pbar=True,
    )
