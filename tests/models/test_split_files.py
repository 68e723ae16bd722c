"""Parts that come in files of their own, and files that are not whole."""

from __future__ import annotations

import pytest
from safetensors.torch import load_file, save_file
from svd_studio.models.sources import MINI, open_svd
from svd_studio.models.svd import CLIP_PREFIX, UNET_PREFIX, VAE_PREFIX
from svd_studio.models.weight_files import WeightFileError, open_weights


@pytest.fixture(scope="module")
def weights():
    return load_file(MINI)


@pytest.fixture(scope="module")
def metadata():
    return dict(open_weights(MINI).metadata)


def without_prefix(weights, prefix):
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


@pytest.fixture
def split(weights, metadata, tmp_path):
    """The three parts in three files, none with a prefix."""
    files = {}
    for name, prefix in {"unet": UNET_PREFIX, "vae": VAE_PREFIX, "clip": CLIP_PREFIX}.items():
        files[name] = tmp_path / f"{name}.safetensors"
        save_file(without_prefix(weights, prefix), files[name], metadata)
    return files


def test_split_files_hold_the_same_model(split):
    source, whole = open_svd(split["unet"], split["vae"], split["clip"]), open_svd(MINI)
    assert source.unet_architecture == whole.unet_architecture
    assert source.vae_architecture == whole.vae_architecture
    assert source.read_vae().keys() == whole.read_vae().keys()


def test_a_vae_is_found_inside_a_whole_checkpoint(split):
    source = open_svd(split["unet"], MINI, MINI)
    assert source.vae_architecture == open_svd(MINI).vae_architecture
    assert source.image_encoder.shapes == open_svd(MINI).image_encoder.shapes


@pytest.mark.comfy
@pytest.mark.parametrize("part", ["output_blocks.0.0.out_layers.3", "input_blocks.1.0"])
def test_a_unet_that_lost_a_weight_is_refused(weights, metadata, tmp_path, core, part):
    from svd_studio.models.loader import load_svd

    file = tmp_path / "holes.safetensors"
    kept = {k: v for k, v in weights.items() if not k.startswith(UNET_PREFIX + part)}
    save_file(kept, file, metadata)
    with pytest.raises(WeightFileError, match=r"holes\.safetensors.*download or copy") as caught:
        load_svd(open_svd(file))
    assert "\n" not in str(caught.value)


@pytest.mark.comfy
def test_an_image_encoder_that_lost_a_weight_is_refused(weights, metadata, tmp_path, core):
    from svd_studio.models.loader import load_svd

    file = tmp_path / "holes.safetensors"
    save_file({k: v for k, v in weights.items() if not k.endswith("ln_post.bias")}, file, metadata)
    with pytest.raises(WeightFileError, match=r"image encoder of holes\.safetensors"):
        load_svd(open_svd(file))


@pytest.mark.comfy
def test_a_vae_in_diffusers_names_is_recognised(split, metadata, tmp_path, core):
    from .diffusers_twins import diffusers_weights

    file = tmp_path / "temporal_vae.safetensors"
    save_file(diffusers_weights(open_svd(MINI))["vae"], file, metadata)
    source = open_svd(split["unet"], file, split["clip"])
    assert source.vae_architecture == open_svd(MINI).vae_architecture
    assert source.read_vae().keys() == open_svd(MINI).read_vae().keys()
