from __future__ import annotations

import pytest
import torch
from svd_studio.models.sources import MINI, open_svd
from svd_studio.training import mini_architecture
from torch.testing import assert_close

from .diffusers_twins import write_folder

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]


@pytest.fixture(scope="session")
def from_folder(core, tmp_path_factory):
    """The miniature again, by way of a diffusers folder."""
    from svd_studio.models.loader import load_svd

    with torch.inference_mode():
        folder = write_folder(open_svd(MINI), tmp_path_factory.mktemp("folder") / "svd-xt")
        return load_svd(open_svd(folder), "fp32")


@pytest.fixture(scope="session")
def conditioning(mini, photograph):
    """Core's own conditioning of two frames: positive, negative, latent."""
    return condition(mini, photograph)


def condition(loaded, picture):
    from comfy_extras.nodes_video_model import SVD_img2vid_Conditioning

    with torch.inference_mode():
        return SVD_img2vid_Conditioning().encode(
            loaded.image_encoder, picture.clone(), loaded.vae, 128, 64, 2, 127, 7, 0.0
        )


def sample(loaded, conditioning, cfg=2.5):
    from comfy_extras.nodes_video_model import VideoLinearCFGGuidance

    import nodes

    (model,) = VideoLinearCFGGuidance().patch(loaded.model, 1.0)
    (latent,) = nodes.common_ksampler(model, 3, 2, cfg, "euler", "karras", *conditioning)
    return latent["samples"]


def network_weights(loaded, part):
    networks = {
        "unet": loaded.model.model.diffusion_model,
        "vae": loaded.vae.first_stage_model,
        "image encoder": loaded.image_encoder.model,
    }
    return networks[part].state_dict()


PARTS = pytest.mark.parametrize("part", ["unet", "vae", "image encoder"])


def test_network_holds_the_weights_of_the_file(mini):
    for name, tensor in open_svd(MINI).read_unet().items():
        assert_close(network_weights(mini, "unet")[name], tensor.float(), rtol=0, atol=0)


def test_every_group_norm_has_the_groups_of_the_file(mini):
    groups = {
        module.num_groups
        for network in (mini.model.model.diffusion_model, mini.vae.first_stage_model)
        for module in network.modules()
        if isinstance(module, torch.nn.GroupNorm)
    }
    assert groups == {mini_architecture.UNET.norm_num_groups}


def test_every_attention_has_the_heads_of_the_file(mini):
    from comfy.ldm.modules.attention import CrossAttention

    modules = mini.model.model.diffusion_model.modules()
    sizes = {module.dim_head for module in modules if isinstance(module, CrossAttention)}
    assert sizes == {mini_architecture.UNET.num_head_channels}


@pytest.mark.parametrize("precision", ["fp16", "bf16", "fp32"])
def test_unet_computes_in_the_chosen_precision(precision):
    from svd_studio.models.loader import PRECISIONS, load_svd

    model = load_svd(open_svd(MINI), precision).model
    assert model.model_dtype() == PRECISIONS[precision]


def test_model_and_vae_tell_what_they_are(mini):
    from svd_studio.models.loader import info_of

    assert info_of(mini.model) == info_of(mini.vae) == open_svd(MINI).info


def test_clone_of_the_model_tells_what_it_is(mini):
    from svd_studio.models.loader import info_of

    assert info_of(mini.model.clone()) == open_svd(MINI).info


def test_model_of_another_loader_tells_nothing(core):
    from svd_studio.models.loader import info_of

    assert info_of(object()) is None


def test_nodes_of_core_condition_on_it(conditioning):
    (embedding, told), *_ = conditioning[0]
    assert embedding.shape == (1, 1, mini_architecture.IMAGE_ENCODER.projection_dim)
    assert told["concat_latent_image"].shape == (1, 4, 8, 16)


def test_nodes_of_core_sample_it(mini, conditioning):
    latents = sample(mini, conditioning)
    assert latents.shape == (2, 4, 8, 16)
    assert latents.isfinite().all()


def test_guidance_of_core_reaches_it(mini, conditioning):
    first, other = sample(mini, conditioning, cfg=2.5), sample(mini, conditioning, cfg=5.0)
    assert not torch.allclose(first, other, atol=1e-4)


def test_nodes_of_core_decode_it(mini, conditioning):
    import nodes

    (frames,) = nodes.VAEDecode().decode(mini.vae, conditioning[2])
    assert frames.shape == (2, 64, 128, 3)
    assert 0 <= frames.min() <= frames.max() <= 1


@PARTS
def test_diffusers_folder_gives_the_same_weights(mini, from_folder, part):
    assert_close(network_weights(from_folder, part), network_weights(mini, part), rtol=0, atol=0)


def test_diffusers_folder_gives_the_same_latents(mini, from_folder, conditioning, photograph):
    again = condition(from_folder, photograph)
    assert_close(sample(from_folder, again), sample(mini, conditioning), rtol=0, atol=0)


def test_diffusers_folder_tells_how_many_frames_it_makes(from_folder):
    from svd_studio.models.loader import info_of

    info = info_of(from_folder.model)
    assert (info.variant, info.num_frames) == ("svd_xt", 25)
