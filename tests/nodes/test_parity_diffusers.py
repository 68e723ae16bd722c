"""The pack against diffusers' pipeline, with the same weights, noise and settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from svd_studio.models.sources import MINI, open_svd
from svd_studio.training import mini_architecture

from ..models.diffusers_twins import diffusers_weights, unet_twin, vae_twin

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

FRAMES, STEPS, SEED, LEVEL = 14, 10, 3, 0.02
# Any setting that is off by its smallest step moves latents by 1e-4 of their scale or more.
LATENT_TOLERANCE, FRAME_TOLERANCE = 4e-5, 1e-4
SCHEDULER = {  # scheduler_config.json of stable-video-diffusion-img2vid-xt
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "sigma_max": 700.0,
    "sigma_min": 0.002,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "timestep_type": "continuous",
    "use_karras_sigmas": True,
}


@pytest.fixture(scope="module")
def ours(mini, photograph):
    """Latents and frames of the pack's nodes."""
    from svd_studio.nodes.condition import Framing, SVDConditioning
    from svd_studio.nodes.decode import SVDDecode
    from svd_studio.nodes.sample import CUSTOM, SVDGuidance, SVDSampler

    height, width = photograph.shape[1:3]
    with torch.inference_mode():
        told = (width, height, FRAMES, 127, 7, LEVEL, SEED, "cover", Framing.WHOLE.value)
        conditioning = SVDConditioning.execute(mini.image_encoder, mini.vae, photograph, *told)
        (model,) = SVDGuidance.execute(mini.model, CUSTOM, 1.0, 3.0, "linear").args
        run = (SEED, STEPS, "karras", "euler", 0.0, 0.0, 1.0, True)
        latent, _ = SVDSampler.execute(model, *conditioning.args, *run).args
        frames, _ = SVDDecode.execute(mini.vae, latent).args
    return SimpleNamespace(latents=latent["samples"], frames=frames)


@pytest.fixture(scope="module")
def pipeline(core):
    from diffusers import EulerDiscreteScheduler, StableVideoDiffusionPipeline
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(**mini_architecture.IMAGE_ENCODER.core_arguments())
    parts = {
        "unet": unet_twin(mini_architecture.UNET),
        "vae": vae_twin(mini_architecture.VAE),
        "image_encoder": CLIPVisionModelWithProjection(config).eval(),
    }
    for name, weights in diffusers_weights(open_svd(MINI)).items():
        parts[name].load_state_dict({key: tensor.float() for key, tensor in weights.items()})
    return StableVideoDiffusionPipeline(
        **parts,
        scheduler=EulerDiscreteScheduler(**SCHEDULER),
        feature_extractor=CLIPImageProcessor(),
    )


@pytest.fixture(scope="module")
def theirs(pipeline, photograph):
    """Latents and frames of diffusers, from the noise that the pack draws."""
    from comfy.sample import prepare_noise
    from diffusers.pipelines.stable_video_diffusion import pipeline_stable_video_diffusion
    from PIL import Image

    height, width = photograph.shape[1:3]
    noise = prepare_noise(torch.zeros(FRAMES, 4, height // 8, width // 8), SEED)
    seeded = torch.Generator().manual_seed(SEED)
    on_picture = torch.randn(photograph.shape, generator=seeded).movedim(-1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_stable_video_diffusion, "randn_tensor", lambda *_, **__: on_picture)
        latents = pipeline(
            Image.fromarray((photograph[0] * 255).round().byte().numpy()),
            height,
            width,
            num_frames=FRAMES,
            num_inference_steps=STEPS,
            min_guidance_scale=1.0,
            max_guidance_scale=3.0,
            fps=7,
            motion_bucket_id=127,
            noise_aug_strength=LEVEL,
            latents=noise[None],
            output_type="latent",
        ).frames
    with torch.no_grad():
        decoded = pipeline.decode_latents(latents, FRAMES, FRAMES)[0].movedim(0, 1)
    frames = (decoded / 2 + 0.5).clamp(0, 1).movedim(1, -1)
    # a pipeline's latents are scaled; ComfyUI hands them on as the autoencoder has them
    return SimpleNamespace(latents=latents[0] / pipeline.vae.config.scaling_factor, frames=frames)


def largest_difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return (ours - theirs).abs().max().item()


def test_latents_are_those_of_the_reference(ours, theirs, record_property):
    difference = largest_difference(ours.latents, theirs.latents)
    scale = theirs.latents.abs().max().item()
    record_property("largest latent difference", f"{difference:.2e} of {scale:.3g}")
    assert difference <= LATENT_TOLERANCE * scale


def test_frames_are_those_of_the_reference(ours, theirs, record_property):
    difference = largest_difference(ours.frames, theirs.frames)
    record_property("largest frame difference", f"{difference:.2e}")
    assert difference <= FRAME_TOLERANCE


def test_comparison_is_of_films_with_content(theirs):
    assert theirs.frames.std() > 0.01
    assert theirs.latents.diff(dim=0).abs().max() > 0.01
