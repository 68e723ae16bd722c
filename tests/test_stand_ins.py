"""ComfyUI's own loaders take the stand-ins for what their names say, and nothing in them breaks."""

from __future__ import annotations

import pytest
import torch

from .stand_ins import STAND_INS, write

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

CHECKPOINT, CONTROLNET, VAE = STAND_INS
WIDTH, HEIGHT = 128, 64


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def loaded(core, models):
    """Model and text encoder of the checkpoint, and the VAE of its own file."""
    import comfy.sd
    import comfy.utils

    with torch.inference_mode():
        model, clip, *_ = comfy.sd.load_checkpoint_guess_config(str(write(CHECKPOINT, models)))
        vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(write(VAE, models))))
    return model, clip, vae


@pytest.fixture(scope="module")
def control(core, models):
    import comfy.controlnet

    return comfy.controlnet.load_controlnet(str(write(CONTROLNET, models)))


@pytest.fixture(scope="module")
def told(loaded):
    import nodes

    _, clip, _ = loaded
    with torch.inference_mode():
        return [nodes.CLIPTextEncode().encode(clip, text)[0] for text in ("a harbour", "blurry")]


def picture(loaded, positive, negative):
    import nodes

    model, _, vae = loaded
    latent = nodes.EmptyLatentImage().generate(WIDTH, HEIGHT)[0]
    settings = (1, 3, 6.0, "dpmpp_2m", "karras")
    sampled = nodes.KSampler().sample(model, *settings, positive, negative, latent)[0]
    return nodes.VAEDecode().decode(vae, sampled)[0]


def under_sketch(control, told, sketch):
    import nodes

    return nodes.ControlNetApplyAdvanced().apply_controlnet(*told, control, sketch, 1.0, 0.0, 1.0)


def test_checkpoint_is_taken_for_sd15(loaded):
    import comfy.supported_models

    assert type(loaded[0].model.model_config) is comfy.supported_models.SD15


def test_no_weight_is_left_to_chance(models, caplog, core):
    import comfy.sd

    with caplog.at_level("WARNING"), torch.inference_mode():
        comfy.sd.load_checkpoint_guess_config(str(write(CHECKPOINT, models)), output_vae=False)
        import comfy.controlnet

        comfy.controlnet.load_controlnet(str(write(CONTROLNET, models)))
    missing = [line for line in caplog.messages if "missing" in line.lower()]
    assert missing == []


@pytest.mark.parametrize("name", STAND_INS)
def test_weights_are_finite(models, name):
    from safetensors.torch import load_file

    assert all(value.isfinite().all() for value in load_file(write(name, models)).values())


def test_text_changes_the_picture(loaded, told):
    one, other = picture(loaded, *told), picture(loaded, *reversed(told))
    assert one.isfinite().all()
    assert (one - other).abs().max() > 1 / 255


def test_picture_has_the_size_that_was_asked_for_and_is_not_flat(loaded, told):
    made = picture(loaded, *told)
    assert made.shape == (1, HEIGHT, WIDTH, 3)
    assert made.std() > 0.02


def test_sketch_changes_the_picture(loaded, control, told):
    sketch = torch.zeros(1, HEIGHT, WIDTH, 3)
    blank = picture(loaded, *under_sketch(control, told, sketch))
    sketch[:, 20:24] = 1
    drawn = picture(loaded, *under_sketch(control, told, sketch))
    assert drawn.isfinite().all()
    assert (drawn - blank).abs().max() > 1 / 255


def test_files_are_small(models):
    assert sum(write(name, models).stat().st_size for name in STAND_INS) < 350e6


def test_file_that_is_there_is_left_alone(models):
    before = write(VAE, models).stat().st_mtime_ns
    assert write(VAE, models).stat().st_mtime_ns == before
