"""Our stabiliser against the one that the weights were trained in."""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from svd_studio.dev.live_peak import LivePeak
from svd_studio.models.network_files import read_network
from svd_studio.models.temporalfix import TILING, TemporalFix, build_temporalfix, is_temporalfix
from svd_studio.models.weight_files import WeightFileError
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stabilise.learned import LearnedStabiliser
from svd_studio.video.stabilise.tiles import tiles
from svd_studio.video.stream import FrameStream

ARCHITECTURE = "vs_temporalfix/models/temporalfix_arch.py"


@pytest.fixture(scope="module")
def oracle(temporalfix_file, tmp_path_factory):
    """The architecture in the weights' own wheel."""
    wheels = temporalfix_file("temporalfix-s2").parents[3] / "wheels"
    wheel = next(wheels.glob("vs_temporalfix-*.whl"))
    folder = tmp_path_factory.mktemp("oracle")
    with zipfile.ZipFile(wheel) as archive:
        file = archive.extract(ARCHITECTURE, folder)
    spec = importlib.util.spec_from_file_location("temporalfix_arch", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.temporalfix_arch


def seven_frames(height, width):
    """(1, 7, 3, height, width): a soft picture that moves and flickers."""
    random = torch.Generator().manual_seed(3)
    soft = F.interpolate(torch.rand(1, 3, 9, 9, generator=random), (height + 7, width + 7))
    frames = torch.stack([soft[..., n : n + height, n : n + width] for n in range(7)], dim=1)
    return (frames + 0.04 * torch.randn(frames.shape, generator=random)).clamp(0, 1)


@pytest.mark.parametrize("name", ["temporalfix-s1", "temporalfix-s2", "temporalfix-s3"])
@pytest.mark.parametrize("size", [(64, 96), (37, 61), (8, 5)], ids=str)
def test_it_gives_what_the_original_gives(oracle, temporalfix_file, name, size):
    state = read_network(temporalfix_file(name))
    original = oracle()
    original.load_state_dict(state, strict=True)
    frames = seven_frames(*size)
    with torch.inference_mode():
        expected = original.eval()(frames)
        ours = build_temporalfix(state)(frames.unbind(1))
    assert (expected - frames[:, 3]).abs().max() > 0.01  # it does something
    torch.testing.assert_close(ours, expected, rtol=0, atol=2e-5)


def test_its_weights_are_recognised_by_names_and_shapes():
    state = TemporalFix().state_dict()
    assert is_temporalfix(state)
    assert not is_temporalfix({**state, "more": torch.zeros(1)})
    assert not is_temporalfix({**state, "conf_head.net.2.bias": torch.zeros(2)})


def test_other_weights_are_refused():
    with pytest.raises(WeightFileError, match="temporalfix_s2_v1"):
        build_temporalfix({"body.0.weight": torch.zeros(1)})


def test_no_weight_asks_for_a_gradient():
    network = build_temporalfix(TemporalFix().half().state_dict())
    assert not any(weight.requires_grad for weight in network.parameters())
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("size", [(2160, 3840), (1080, 1920)], ids=str)
def test_a_tile_takes_a_gib_at_most(size):
    rows, columns = max(tiles(*size, TILING), key=lambda tile: tile[0].length * tile[1].length)
    with torch.device("meta"):
        network = TemporalFix()
    with torch.inference_mode(), LivePeak() as live:
        frames = [torch.empty(1, 3, rows.length, columns.length, device="meta") for _ in range(7)]
        network(frames)
    assert live.peak <= 2**30


def test_tiles_with_their_margin_are_as_the_whole_frame(temporalfix_file):
    network = build_temporalfix(read_network(temporalfix_file("temporalfix-s3")))
    frames = seven_frames(64, 960).movedim(2, -1)[0]

    def steadied(pixels):
        stabiliser = LearnedStabiliser(network, "", "", replace(TILING, pixels=pixels))
        return next(stabiliser.frames(FrameStream(ImageBatch(frames)), 3, 1.0))

    whole, tiled = steadied(TILING.pixels), steadied(64 * 800)
    assert (whole - tiled).abs().max() < 0.5 / 255
    assert not torch.equal(whole, tiled)
