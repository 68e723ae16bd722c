"""Clips that are drawn while a LoRA trains, against those of the sampler."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.guidance import FrameGuidance
from svd_studio.training.clips.clip_set import CachedClip, ClipEntry
from torch.testing import assert_close

pytestmark = pytest.mark.comfy

STEPS, SEED, BUCKET, FPS = 3, 11, 127, 7


@pytest.fixture(scope="module")
def told(mini, photograph):
    """Positive, negative and an empty latent for 4 frames of 128x64."""
    from svd_studio.nodes.condition import SVDConditioning

    with torch.inference_mode():
        return SVDConditioning.execute(
            mini.image_encoder, mini.vae, photograph, 128, 64, 4, BUCKET, FPS, 0.0, SEED, "cover",
            "whole picture (reference)",
        ).args  # fmt: skip


@pytest.mark.parametrize("guidance", [FrameGuidance(1.0, 1.0), FrameGuidance(1.0, 2.5)])
def test_a_sample_is_the_clip_that_the_sampler_makes(training, tiny, mini, told, guidance):
    from svd_studio.models.patches.guidance import with_guidance
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler
    from svd_studio.training.lora.conditioning import conditioning_of
    from svd_studio.training.lora.samples import sample_clip

    positive, negative, latent = told
    settings = SamplerSettings(SEED, STEPS, "align-your-steps", "euler", 0.0, 0.0, 1.0)
    with torch.inference_mode():
        guided = with_guidance(mini.model, guidance)
        expected = run_sampler(guided, positive, negative, latent, settings)[0]["samples"]
    embedding, extra = positive[0]
    clip = CachedClip(
        torch.zeros(4, 4, 8, 16),
        extra["concat_latent_image"][:1].clone(),
        torch.zeros(1),
        embedding[0].clone(),
    )
    entry = ClipEntry("a", "a", 4, 128, 64, FPS, BUCKET)
    with training(tiny()) as stage:
        cond = conditioning_of([(entry, clip)], [0])
        found = sample_clip(stage.denoiser, cond, (4, 4, 8, 16), STEPS, guidance, SEED)
    scale = expected.abs().max().item()
    assert_close(found, expected.clone(), rtol=0, atol=1e-3 * scale)
