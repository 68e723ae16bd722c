"""The pack's nodes against ComfyUI's own, on a checkpoint of the published size."""

from __future__ import annotations

import gc
import hashlib
from types import SimpleNamespace

import pytest
import torch
from svd_studio.dev.full_size import FOLDER, NAME, full_size_checkpoint
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.slow]

WIDTH, HEIGHT, FRAMES, FPS, BUCKET, SEED, STEPS = 192, 128, 3, 7, 127, 11, 2
CFG_FIRST, CFG_LAST = 1.0, 2.5


@pytest.fixture(scope="module")
def picture():
    return torch.rand(1, HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(4))


@pytest.fixture(scope="module")
def ours(core, picture):
    from svd_studio.models.loader import load_svd
    from svd_studio.models.sources import open_svd
    from svd_studio.nodes.condition import Framing, SVDConditioning
    from svd_studio.nodes.sample import CUSTOM, SVDGuidance, SVDSampler

    with torch.inference_mode():
        model, image_encoder, vae = load_svd(open_svd(full_size_checkpoint()))
        told = (WIDTH, HEIGHT, FRAMES, BUCKET, FPS, 0.0, 0, "cover", Framing.CENTRE.value)
        conditioning = SVDConditioning.execute(image_encoder, vae, picture, *told).args
        (guided,) = SVDGuidance.execute(model, CUSTOM, CFG_FIRST, CFG_LAST, "linear").args
        run = (SEED, STEPS, "karras", "euler", 0.0, 0.0, 1.0, True)
        latent, _ = SVDSampler.execute(guided, *conditioning, *run).args
        return results(model, image_encoder, vae, conditioning, latent)


@pytest.fixture(scope="module")
def theirs(ours, picture):
    import folder_paths
    from comfy_extras import nodes_video_model

    import nodes

    gc.collect()  # both sides at once do not fit into memory
    folder_paths.add_model_folder_path("checkpoints", str(FOLDER))
    with torch.inference_mode():
        model, image_encoder, vae = nodes_video_model.ImageOnlyCheckpointLoader().load_checkpoint(
            NAME
        )
        conditioning = nodes_video_model.SVD_img2vid_Conditioning().encode(
            image_encoder, picture.clone(), vae, WIDTH, HEIGHT, FRAMES, BUCKET, FPS, 0.0
        )
        (guided,) = nodes_video_model.VideoLinearCFGGuidance().patch(model, CFG_FIRST)
        (latent,) = nodes.KSampler().sample(
            guided, SEED, STEPS, CFG_LAST, "euler", "karras", *conditioning
        )
        return results(model, image_encoder, vae, conditioning, latent)


def results(model, image_encoder, vae, conditioning, latent) -> SimpleNamespace:
    """What the tests compare, and nothing that holds a network."""
    networks = {
        "unet": model.model.diffusion_model,
        "vae": vae.first_stage_model,
        "image encoder": image_encoder.model,
    }
    return SimpleNamespace(
        weights={part: fingerprints(network) for part, network in networks.items()},
        precision=model.model_dtype(),
        conditioning=conditioning,
        latents=latent["samples"],
    )


def fingerprints(network) -> dict[str, str]:
    return {
        name: f"{tensor.dtype} {tuple(tensor.shape)} "
        + hashlib.sha256(tensor.contiguous().flatten().view(torch.uint8).numpy()).hexdigest()
        for name, tensor in network.state_dict().items()
    }


@pytest.mark.parametrize("part", ["unet", "vae", "image encoder"])
def test_every_weight_is_loaded_as_core_loads_it(ours, theirs, part):
    assert ours.weights[part] == theirs.weights[part]


def test_precision_is_full(ours, theirs):
    assert ours.precision == theirs.precision == torch.float32


@pytest.mark.parametrize("side", [0, 1], ids=["positive", "negative"])
def test_conditioning_is_that_of_core(ours, theirs, side):
    assert_close(ours.conditioning[side], theirs.conditioning[side], rtol=0, atol=1e-5)


def test_latents_are_those_of_core(ours, theirs, record_property):
    difference = (ours.latents - theirs.latents).abs().max().item()
    scale = theirs.latents.abs().max().item()
    record_property("largest latent difference", f"{difference:.2e} of {scale:.3g}")
    assert difference <= 1e-5


def test_comparison_is_of_finite_latents_that_differ_from_frame_to_frame(theirs):
    assert theirs.latents.isfinite().all()
    assert theirs.latents.diff(dim=0).abs().amax(dim=(1, 2, 3)).min() > 0.01
