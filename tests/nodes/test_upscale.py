"""SVD Upscale on core's devices, and beside core's own node."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]
COMPACT = "realesr-animevideov3-x4"


@pytest.fixture
def loaded(core, upscaler_file):
    """What Load Upscale Model gives."""
    from spandrel import ModelLoader
    from svd_studio.models.network_files import read_network

    return ModelLoader().load_from_state_dict(read_network(upscaler_file(COMPACT))).eval()


@pytest.fixture
def upscale(core):
    from svd_studio.nodes.upscale import SVDUpscale

    def upscale(frames, upscale_model=None, **widgets):
        widgets = {
            "model_name": "Lanczos (no network)",
            "target": "network's own",
            "width": 0,
            "height": 0,
            "rule": "crop",
            "strength": 1.0,
            **widgets,
        }
        return SVDUpscale.execute(frames, upscale_model=upscale_model, **widgets).args

    return upscale


@pytest.fixture
def film(photograph):
    return photograph[:, :30, :41].repeat(2, 1, 1, 1)


def test_frames_are_those_of_cores_node(upscale, loaded, film):
    from comfy_extras.nodes_upscale_model import ImageUpscaleWithModel

    (expected,) = ImageUpscaleWithModel.execute(loaded, film).args
    stream, _ = upscale(film, loaded)
    assert_close(torch.stack(list(stream.frames())), expected, rtol=0, atol=1e-5)


def test_nothing_is_computed_until_frames_are_pulled(upscale, loaded, film):
    with patch.object(loaded.model, "forward", side_effect=AssertionError("ran")):
        stream, _ = upscale(film, loaded)
        assert stream.clip.width == 164
        with pytest.raises(AssertionError, match="ran"):
            next(stream.frames())


def test_the_network_is_on_the_device_only_while_frames_are_pulled(upscale, loaded, film):
    moves = []
    with patch.object(loaded.model, "to", side_effect=moves.append):
        stream, _ = upscale(film, loaded)
        first, second = stream.frames(), stream.frames()
        next(first), next(second)
        assert moves == [torch.device("cpu")]
        first.close()
        assert moves == [torch.device("cpu")]
        second.close()
        assert moves == [torch.device("cpu"), "cpu"]


def test_a_network_with_a_patcher_is_moved_by_core(upscale, loaded, film):
    import comfy.model_management as management

    loaded.patcher = object()
    with (
        patch.object(management, "load_models_gpu") as load,
        patch.object(loaded.model, "to", side_effect=AssertionError("moved")),
    ):
        list(upscale(film, loaded)[0].frames())
    assert all(call.args == ([loaded.patcher],) for call in load.call_args_list)
    assert all(call.kwargs["force_full_load"] for call in load.call_args_list)


def test_a_file_is_used_where_nothing_is_connected(upscale, upscaler_file, film):
    import folder_paths

    file = str(upscaler_file(COMPACT))
    with patch.object(folder_paths, "get_full_path_or_raise", return_value=file):
        stream, report = upscale(film, model_name="file.safetensors", target="2x")
    assert stream.clip.width == 82
    assert "realesr-animevideov3-x4 (Compact 4x)" in report
    assert "the network makes 41x30 to 164x120" in report
    assert "then Lanczos to 82x60" in report


def test_lanczos_needs_no_network(upscale, film):
    stream, report = upscale(film, target="custom", width=100, height=50, rule="pad")
    (frame, _) = stream.frames()
    assert frame.shape == (50, 100, 3)
    assert "no network runs" in report


def test_a_cap_on_memory_is_kept_and_changes_no_pixel(upscale, loaded, photograph):
    sizes = []
    whole = next(upscale(photograph, loaded)[0].frames())
    forward = loaded.model.forward
    with patch.object(
        loaded.model, "forward", side_effect=lambda x: sizes.append(x.shape) or forward(x)
    ):
        small = next(upscale(photograph, loaded, memory_gib=0.005)[0].frames())
    assert_close(small, whole, rtol=0, atol=1e-5)
    assert len(sizes) > 2


def test_cancelling_stops_between_tiles(upscale, loaded, film):
    import comfy.model_management as management

    stream, _ = upscale(film, loaded)
    frames = stream.frames()
    next(frames)
    management.interrupt_current_processing()
    with pytest.raises(management.InterruptProcessingException):
        next(frames)


def test_a_precision_that_the_network_lacks_is_refused_at_once(upscale, loaded, film):
    loaded.supports_half = False
    with pytest.raises(ValueError, match="cannot compute in fp16"):
        upscale(film, loaded, precision="fp16")


def test_every_input_has_a_tooltip(core):
    from svd_studio.nodes.upscale import SVDUpscale

    for widget in SVDUpscale.define_schema().inputs:
        assert widget.tooltip, widget.id


def test_a_stream_is_taken_as_well_as_images(upscale, film):
    stream, _ = upscale(film, target="2x")
    longer, _ = upscale(stream, target="2x")
    assert longer.clip.width == 4 * 41
    assert len(list(longer.frames())) == 2


def test_what_the_socket_carries_is_checked(upscale, film):
    with pytest.raises(ValueError, match="connect an upscale model"):
        upscale(film, SimpleNamespace())
