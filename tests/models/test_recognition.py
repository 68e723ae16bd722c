from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from svd_studio.models.architecture import UNetArchitecture, VAEArchitecture
from svd_studio.models.sources import MINI, open_svd
from svd_studio.models.svd import (
    CLIP_PREFIX,
    UNET_PREFIX,
    VAE_PREFIX,
    identify,
    image_encoder_architecture,
    unet_architecture,
    vae_architecture,
)
from svd_studio.models.weight_files import WeightFileError
from svd_studio.training import mini_architecture

FIRST = "input_blocks.0.0.weight"
TEXT = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
TIME = "input_blocks.1.1.time_stack.0.attn2.to_k.weight"
LABEL = "label_emb.0.0.weight"


def image_model(text_width: int, **more: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {FIRST: (320, 4, 3, 3), TEXT: (320, text_width), **more}


def write(path, shapes, prefix=UNET_PREFIX):
    tensors = {prefix + k: torch.zeros(s, dtype=torch.float16) for k, s in shapes.items()}
    save_file(tensors, path)
    return path


@pytest.fixture(scope="session")
def mini_tensors():
    with safe_open(MINI, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118


def write_mini(mini_tensors, path, keep):
    tensors, metadata = mini_tensors
    save_file({k: t for k, t in tensors.items() if keep(k)}, path, metadata)
    return path


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (image_model(768), r"x.safetensors is an image model \(SD 1.x"),
        (image_model(1024), r"x.safetensors is an image model \(SD 2.x"),
        (image_model(2048, **{LABEL: (1280, 2816)}), r"x.safetensors is an image model \(SDXL"),
        (
            {FIRST: (320, 4, 3, 3), TEXT: (320, 768), TIME: (320, 768)},
            r"x.safetensors is a video model of another kind \(4 input channels",
        ),
        (
            {FIRST: (320, 8, 3, 3), TEXT: (320, 1024), TIME: (320, 1024), LABEL: (1280, 256)},
            "x.safetensors is a video model of another kind, such as SV3D",
        ),
        ({"double_blocks.0.img_attn.qkv.weight": (8, 8)}, "x.safetensors holds no diffusion model"),
        ({}, "x.safetensors holds no diffusion model"),
    ],
    ids=["SD 1.5", "SD 2", "SDXL", "AnimateDiff", "SV3D", "Flux", "nothing"],
)
@pytest.mark.parametrize("prefix", [UNET_PREFIX, ""], ids=["checkpoint", "UNet alone"])
def test_another_model_is_refused_by_kind(tmp_path, shapes, words, prefix):
    file = write(tmp_path / "x.safetensors", shapes, prefix)
    with pytest.raises(WeightFileError, match=rf"^{words}.*: choose a .*checkpoint") as refusal:
        open_svd(file)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("prefix", "name"),
    [(VAE_PREFIX, "VAE"), (CLIP_PREFIX, "image encoder")],
    ids=["VAE", "encoder"],
)
def test_missing_part_is_named_with_the_remedy(tmp_path, mini_tensors, prefix, name):
    file = write_mini(mini_tensors, tmp_path / "x.safetensors", lambda k: not k.startswith(prefix))
    with pytest.raises(WeightFileError, match=f"^x.safetensors has no {name}: choose a file for"):
        open_svd(file)


def test_missing_parts_can_be_given_as_files(tmp_path, mini_tensors):
    unet = write_mini(mini_tensors, tmp_path / "u.safetensors", lambda k: k.startswith(UNET_PREFIX))
    tensors, metadata = mini_tensors
    given = []
    for prefix in (VAE_PREFIX, CLIP_PREFIX):
        given.append(tmp_path / f"{len(given)}.safetensors")
        part = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        save_file(part, given[-1], metadata)
    source = open_svd(unet, *given)
    assert source.vae_architecture == mini_architecture.VAE
    assert source.image_encoder.read().keys() == open_svd(MINI).image_encoder.read().keys()


def test_miniature_is_recognised():
    source = open_svd(MINI)
    assert source.unet_architecture == mini_architecture.UNET
    assert source.vae_architecture == mini_architecture.VAE
    assert (source.info.variant, source.info.num_frames) == ("svd-mini", 14)


def test_file_may_have_any_name(tmp_path):
    (tmp_path / "holiday.safetensors").symlink_to(MINI)
    assert open_svd(tmp_path / "holiday.safetensors").unet_architecture == mini_architecture.UNET


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("svd.safetensors", "svd"),
        ("svd_xt.safetensors", "svd_xt"),
        ("SVD-XT-1-1.safetensors", "svd_xt_1_1"),
        ("svd_xt_1.1.fp16.safetensors", "svd_xt_1_1"),
        ("stable-video-diffusion-img2vid-xt", "svd_xt"),
        ("next.safetensors", "svd"),
    ],
)
def test_variant_is_guessed_from_the_name(name, variant):
    info = identify(name, {})
    assert (info.variant, info.source) == (variant, "guessed from its name")


def test_metadata_outweighs_the_name():
    facts = {"variant": "svd-mini", "num_frames": 9, "width": 64, "height": 32}
    info = identify("svd_xt.safetensors", {"svd_studio": json.dumps(facts)})
    assert (info.variant, info.num_frames, info.width, info.height) == ("svd-mini", 9, 64, 32)


def test_user_outweighs_the_metadata():
    info = identify("x", {"svd_studio": json.dumps({"variant": "svd-mini"})}, "svd_xt")
    assert (info.variant, info.num_frames, info.source) == ("svd_xt", 25, "chosen")


def test_diffusers_folder_lacking_parts_is_refused_by_their_names(tmp_path):
    (tmp_path / "unet").mkdir()
    with pytest.raises(
        WeightFileError, match=r"\(missing: vae, image_encoder\): download the whole"
    ):
        open_svd(tmp_path)


@pytest.mark.parametrize("part", ["unet", "vae", "image_encoder"])
def test_diffusers_folder_with_an_empty_part_is_refused_by_its_name(tmp_path, part):
    for name in ("unet", "vae", "image_encoder"):
        (tmp_path / name).mkdir()
        if name != part:
            write(tmp_path / name / "model.safetensors", {"a": (1,)}, "")
    with pytest.raises(
        WeightFileError, match=rf"^No .safetensors file in {tmp_path.name}/{part}: "
    ):
        open_svd(tmp_path)


def test_diffusers_folder_of_an_image_model_is_refused(tmp_path):
    for name in ("unet", "vae", "image_encoder"):
        (tmp_path / name).mkdir()
        write(
            tmp_path / name / "model.safetensors",
            {"down_blocks.0.resnets.0.conv1.weight": (1,)},
            "",
        )
    with pytest.raises(
        WeightFileError, match=rf"^{tmp_path.name} is an image model.*choose a folder"
    ):
        open_svd(tmp_path)


@st.composite
def checkpoint_unets(draw: st.DrawFn):
    """Any UNet of core: transformers may differ from block to block."""
    levels = draw(st.integers(1, 4))
    blocks = [draw(st.integers(1, 3)) for _ in range(levels)]
    depth = st.integers(0, 2)
    return UNetArchitecture(
        model_channels=32,
        channel_mult=(1, *(draw(st.integers(1, 3)) for _ in range(levels - 1))),
        num_res_blocks=tuple(blocks),
        transformer_depth=tuple(draw(depth) for _ in range(sum(blocks))),
        transformer_depth_output=tuple(draw(depth) for _ in range(sum(blocks) + levels)),
        context_dim=16,
        num_head_channels=draw(st.sampled_from([8, 16, 32])),
        norm_num_groups=draw(st.sampled_from([8, 32])),
    )


def metadata_of(architecture) -> dict[str, str]:
    names = ("num_head_channels", "norm_num_groups")
    facts = {name: getattr(architecture, name) for name in names if hasattr(architecture, name)}
    return {"svd_studio": json.dumps(facts)}


@pytest.mark.comfy
@given(architecture=checkpoint_unets())
def test_unet_that_core_builds_is_recognised(core, architecture):
    from svd_studio.models.loader import build_unet

    shapes = {n: tuple(t.shape) for n, t in build_unet(architecture).state_dict().items()}
    assert unet_architecture(shapes, metadata_of(architecture), "x") == architecture


@pytest.mark.comfy
@pytest.mark.parametrize("groups", [8, 32])
@pytest.mark.parametrize("mult", [(1,), (1, 2), (1, 2, 4, 4)], ids=str)
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_vae_that_core_builds_is_recognised(core, groups, mult, blocks):
    from svd_studio.models.loader import build_vae

    architecture = VAEArchitecture(32, mult, blocks, groups)
    shapes = {n: tuple(t.shape) for n, t in build_vae(architecture).state_dict().items()}
    assert vae_architecture(shapes, metadata_of(architecture)) == architecture


@pytest.mark.comfy
def test_published_shapes_are_the_defaults(core):
    from svd_studio.models.loader import build_unet

    published = UNetArchitecture()
    shapes = {n: tuple(t.shape) for n, t in build_unet(published).state_dict().items()}
    assert unet_architecture(shapes, {}, "svd.safetensors") == published


@pytest.mark.comfy
def test_image_encoder_of_published_shapes_is_configured_as_in_core(core):
    import comfy.clip_model

    file = Path(comfy.clip_model.__file__).with_name("clip_vision_config_h.json")
    published = json.loads(file.read_text())
    network = comfy.clip_model.CLIPVisionModelProjection(
        published, torch.float32, "meta", comfy.ops.disable_weight_init
    )
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    arguments = image_encoder_architecture(shapes).core_arguments()
    assert arguments == {name: published[name] for name in arguments}
