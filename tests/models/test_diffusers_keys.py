from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.models.architecture import UNetArchitecture, VAEArchitecture
from svd_studio.models.diffusers_keys import (
    rename,
    swap,
    unet_pairs,
    vae_from_diffusers,
    vae_to_diffusers,
)
from torch.testing import assert_close

from .diffusers_twins import on_meta, unet_twin, vae_twin

SMALL_VAE = VAEArchitecture(channels=32, channel_mult=(1, 2, 2), num_res_blocks=2)


@st.composite
def unet_architectures(draw: st.DrawFn) -> UNetArchitecture:
    """Any UNet that both can build: the first level is as wide as the first kernel."""
    levels = draw(st.integers(2, 4))
    blocks = [draw(st.integers(1, 3)) for _ in range(levels)]
    depths = [draw(st.integers(0, 2)) for _ in range(levels - 1)] + [draw(st.integers(0, 1))]
    down = [d for d, count in zip(depths, blocks, strict=True) for _ in range(count)]
    up = [d for d, count in zip(depths, blocks, strict=True) for _ in range(count + 1)]
    return UNetArchitecture(
        model_channels=32,
        channel_mult=(1, *(draw(st.integers(1, 3)) for _ in range(levels - 1))),
        num_res_blocks=tuple(blocks),
        transformer_depth=tuple(down),
        transformer_depth_output=tuple(up),
        context_dim=16,
        num_head_channels=16,
    )


VAES = st.builds(
    VAEArchitecture,
    channels=st.just(32),
    channel_mult=st.lists(st.integers(1, 2), max_size=3).map(lambda mults: (1, *mults)),
    num_res_blocks=st.integers(1, 3),
)


@settings(max_examples=20)
@given(unet_architectures())
def test_every_unet_weight_has_a_name_of_its_own_in_checkpoints(architecture):
    theirs = on_meta(unet_twin, architecture)
    assert len(rename(theirs, swap(unet_pairs(architecture)))) == len(theirs)


@settings(max_examples=20)
@given(unet_architectures())
def test_unet_names_survive_the_way_there_and_back(architecture):
    theirs = on_meta(unet_twin, architecture)
    ours = rename(theirs, swap(unet_pairs(architecture)))
    assert rename(ours, unet_pairs(architecture)) == theirs


@settings(max_examples=20)
@given(VAES)
def test_vae_names_survive_the_way_there_and_back(architecture):
    theirs = on_meta(vae_twin, architecture)
    tensors = {name: torch.zeros(shape, device="meta") for name, shape in theirs.items()}
    ours = {
        name: torch.zeros(tensor.shape)
        for name, tensor in vae_from_diffusers(tensors, architecture).items()
    }
    back = vae_to_diffusers(ours, architecture)
    assert {name: tuple(tensor.shape) for name, tensor in back.items()} == theirs


@pytest.mark.comfy
@settings(max_examples=10)
@given(architecture=unet_architectures())
def test_unet_of_core_gets_the_names_and_shapes_of_diffusers(core, architecture):
    from svd_studio.models.loader import build_unet

    ours = {n: tuple(t.shape) for n, t in build_unet(architecture).state_dict().items()}
    assert rename(ours, unet_pairs(architecture)) == on_meta(unet_twin, architecture)


@pytest.mark.comfy
@settings(max_examples=10)
@given(architecture=VAES)
def test_vae_of_core_gets_the_names_and_shapes_of_diffusers(core, architecture):
    from svd_studio.models.loader import build_vae

    renamed = vae_to_diffusers(build_vae(architecture).state_dict(), architecture)
    shapes = {name: tuple(tensor.shape) for name, tensor in renamed.items()}
    assert shapes == on_meta(vae_twin, architecture)


@pytest.mark.comfy
def test_published_unet_has_the_names_of_diffusers(core):
    from svd_studio.models.loader import build_unet

    published = UNetArchitecture()
    ours = {n: tuple(t.shape) for n, t in build_unet(published).state_dict().items()}
    assert rename(ours, unet_pairs(published)) == on_meta(unet_twin, published)


@pytest.mark.comfy
def test_quant_conv_is_folded_into_the_encoder(core):
    from svd_studio.models.loader import build_vae

    torch.manual_seed(0)
    twin = vae_twin(SMALL_VAE)
    ours = build_vae(SMALL_VAE)
    ours.load_state_dict(vae_from_diffusers(twin.state_dict(), SMALL_VAE))
    pixels = torch.rand(1, 3, 32, 48) * 2 - 1
    with torch.no_grad():
        mode = twin.encode(pixels).latent_dist.mode()
        assert_close(ours.eval().encode(pixels), mode, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_vae_is_renamed_without_loss(dtype):
    twin = {n: t.to(dtype) for n, t in vae_twin(SMALL_VAE).state_dict().items()}
    ours = vae_from_diffusers(twin, SMALL_VAE)
    assert_close(vae_from_diffusers(vae_to_diffusers(ours, SMALL_VAE), SMALL_VAE), ours)


def test_longest_known_prefix_is_replaced():
    pairs = [("a", "x"), ("a.b", "y")]
    assert rename({"a.c.weight": 1, "a.b.weight": 2}, pairs) == {"x.c.weight": 1, "y.weight": 2}


def test_prefix_ends_at_a_dot():
    with pytest.raises(KeyError, match="ab"):
        rename({"ab.weight": 1}, [("a", "x")])
