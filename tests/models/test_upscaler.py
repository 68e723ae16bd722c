"""Upscalers read from real files, against spandrel's own way of running them."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import pytest
import torch
from spandrel import ModelLoader
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from svd_studio.models.network_files import read_network
from svd_studio.models.upscaler import as_upscaler, read_upscaler
from svd_studio.models.weight_files import WeightFileError
from svd_studio.video.upscale.grid import FADE, plan_grid, smallest_tile
from svd_studio.video.upscale.tiles import upscale_frame
from torch.testing import assert_close

CODE = 1 / 255
CHAINS = {"realesr-animevideov3-x4": 18, "span-x4": 21}


@pytest.fixture(scope="module")
def upscaler(upscaler_file):
    read = {}

    def upscaler(name):
        if name not in read:
            read[name] = read_upscaler(upscaler_file(name))
        return read[name]

    return upscaler


@pytest.fixture(scope="module")
def descriptor(upscaler_file):
    def descriptor(name):
        return ModelLoader().load_from_state_dict(read_network(upscaler_file(name))).eval()

    return descriptor


def texture(height, width):
    """(1, 3, H, W): stripes of every direction and width, and hard edges."""
    y, x = torch.meshgrid(torch.arange(height) / 7, torch.arange(width) / 7, indexing="ij")
    waves = torch.stack([(x * y).sin(), (x + 2 * y).cos(), (x * x / 9 - y).sin()])
    return (waves * 0.4 + 0.5 + 0.1 * (x.int() % 2)).clamp(0, 1)[None]


def tiled(network, picture, pixels):
    grid = plan_grid(*picture.shape[-2:], network, pixels)
    return upscale_frame(picture, network, grid, network.scale), grid


@pytest.mark.parametrize(("name", "reach"), CHAINS.items())
def test_a_chain_of_convolutions_knows_how_far_it_looks(upscaler, name, reach):
    network = upscaler(name)
    assert network.reach == reach
    size = 2 * reach + 5
    picture = texture(size, size).requires_grad_()
    with torch.enable_grad():
        out = network.module(picture)
        out[..., size * 4 // 2, size * 4 // 2].sum().backward()
    seen = picture.grad[0].abs().sum(0).nonzero()
    assert (seen - size // 2).abs().max() <= reach


@pytest.mark.parametrize("name", [*CHAINS, "realesrgan-x4plus-anime"])
def test_pixels_are_those_of_spandrel(upscaler, descriptor, name):
    picture = texture(11, 14)
    assert_close(upscaler(name)(picture), descriptor(name)(picture), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CHAINS)
def test_tiles_of_a_chain_are_the_whole_frame(upscaler, name):
    network, picture = upscaler(name), texture(83, 121)
    whole, one = tiled(network, picture, 1e9)
    least, many = tiled(network, picture, smallest_tile(83, 121, network))
    assert one.tiles == 1
    assert many.tiles >= 6
    assert (least - whole).abs().max() < 1e-3 * CODE


@pytest.mark.parametrize(
    "name",
    ["realesrgan-x4plus-anime", pytest.param("realesrgan-x4plus", marks=pytest.mark.slow)],
)
def test_seams_of_a_deep_network_are_below_a_code(upscaler, name):
    network, picture = upscaler(name), texture(32, 160)
    whole, _ = tiled(network, picture, 1e9)
    least, grid = tiled(network, picture, 32 * 120)
    assert [piece.core for piece in grid.columns.pieces] == [(0, 80), (80, 160)]
    off = (least - whole).abs() / CODE
    for reach in (1, FADE):
        assert off[..., 4 * (80 - reach) : 4 * (80 + reach)].mean() <= 1


def test_a_descriptor_of_core_is_taken_and_stays_as_it_was(descriptor):
    found = descriptor("span-x4")
    layers = [type(layer) for layer in found.model.modules()]
    network = as_upscaler(found)
    assert (network.architecture, network.scale, network.reach) == ("SPAN", 4, 21)
    assert [type(layer) for layer in found.model.modules()] == layers
    assert network.describe() == "the connected network (SPAN 4x)"


def test_a_patcher_of_newer_core_is_carried_along(descriptor):
    found = descriptor("realesr-animevideov3-x4")
    found.patcher = object()
    assert as_upscaler(found).patcher is found.patcher
    held = SimpleNamespace(model=descriptor("realesr-animevideov3-x4"), patcher=object())
    assert as_upscaler(held).patcher is held.patcher


def test_fingerprints_tell_weights_apart(upscaler, descriptor):
    ours = upscaler("realesr-animevideov3-x4")
    same = as_upscaler(descriptor("realesr-animevideov3-x4"), "another name")
    assert ours.fingerprint() == same.fingerprint()
    assert ours.fingerprint() != upscaler("span-x4").fingerprint()
    same.module.body[0].bias.data[0] += 1
    changed = as_upscaler(same.call, "another name")
    assert changed.fingerprint() != ours.fingerprint()


def gray_network(**options):
    return ModelLoader().load_from_state_dict(
        Compact(num_in_ch=1, num_out_ch=1, num_feat=8, num_conv=2, **options).state_dict()
    )


def test_a_network_for_gray_gets_one_colour_after_the_other():
    found = gray_network(upscale=2)
    picture = texture(9, 8)
    expected = torch.cat([found(picture[:, n : n + 1]) for n in range(3)], dim=1)
    assert_close(as_upscaler(found)(picture), expected, rtol=0, atol=1e-6)


def test_a_network_that_keeps_the_size_is_taken():
    state = Compact(num_feat=8, num_conv=2, upscale=1).state_dict()
    network = as_upscaler(ModelLoader().load_from_state_dict(state))
    assert network.scale == 1
    assert network(texture(9, 8)).shape == (1, 3, 9, 8)


def test_what_the_network_asks_of_sizes_is_known():
    state = ESRGAN(in_nc=12, num_filters=8, num_blocks=1, shuffle_factor=2).state_dict()
    network = as_upscaler(ModelLoader().load_from_state_dict(state))
    assert (network.multiple_of, network.minimum, network.square) == (4, 4, False)
    picture = texture(5, 7)
    larger = upscale_frame(picture, network, plan_grid(5, 7, network, 1e9), 2)
    assert larger.shape == (1, 3, 10, 14)


def test_a_network_of_four_channels_is_refused():
    state = ESRGAN(in_nc=4, out_nc=4, num_filters=8, num_blocks=1).state_dict()
    with pytest.raises(WeightFileError, match="turns 4 channels into 4"):
        as_upscaler(ModelLoader().load_from_state_dict(state), "rgba")


def test_something_else_on_the_socket_is_refused():
    with pytest.raises(WeightFileError, match="is a str: connect an upscale model"):
        as_upscaler("model")


def test_weights_of_something_else_are_refused(tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3)}, file)
    with pytest.raises(WeightFileError, match="is no upscaler that spandrel knows"):
        read_upscaler(file)


class RunsCode:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    file = tmp_path / "bad.pth"
    with file.open("wb") as out:
        pickle.dump({"params": RunsCode()}, out)
    with pytest.raises(WeightFileError, match="could run code"):
        read_upscaler(file)
