"""Grids of tiles, and frames made on them, against the network on the whole frame."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from svd_studio.video.upscale.activations import UNSEEN, bytes_a_pixel
from svd_studio.video.upscale.grid import FADE, plan_grid, smallest_tile
from svd_studio.video.upscale.ladder import Precision, TiledNetwork, TooLittleMemoryError
from svd_studio.video.upscale.tiles import upscale_frame
from torch.testing import assert_close

from .upscale_doubles import Enlarging, noise, room

networks = st.builds(
    Enlarging,
    scale=st.integers(1, 4),
    multiple_of=st.sampled_from([1, 2, 4, 8, 16]),
    minimum=st.sampled_from([0, 16, 40]),
    square=st.booleans(),
    reach=st.sampled_from([None, 0, 3, 18]),
)


def seams_of(axis):
    return [piece.core for piece in axis.pieces]


@given(networks, st.integers(1, 300), st.integers(1, 300), st.floats(1, 4))
def test_tiles_cover_the_frame_once_and_see_enough_around(network, height, width, part):
    most = max(smallest_tile(height, width, network), height * width / part)
    grid = plan_grid(height, width, network, most)
    assert grid.tile_pixels <= most
    around = {None: FADE}.get(network.reach, network.reach)
    for axis in (grid.rows, grid.columns):
        cores = seams_of(axis)
        assert cores[0][0] == 0
        assert cores[-1][1] == axis.length
        assert all(one[1] == two[0] for one, two in pairwise(cores))
        assert all(low < high for low, high in cores)
        for piece in axis.pieces:
            assert piece.start % network.multiple_of == 0
            assert 0 <= piece.start <= axis.padded - axis.window
            assert piece.start <= max(0, piece.core[0] - around)
            assert piece.start + axis.window >= min(axis.length, piece.core[1] + around)


@given(st.integers(100, 2000), st.integers(2, 12))
def test_tiles_are_balanced(length, share):
    network = Enlarging(reach=4)
    grid = plan_grid(8, length, network, max(smallest_tile(8, length, network), 8 * length / share))
    sizes = [high - low for low, high in seams_of(grid.columns)]
    assert max(sizes) - min(sizes) <= 1


def test_a_frame_that_fits_is_one_tile():
    assert plan_grid(90, 160, Enlarging(), 90 * 160).describe() == "whole frames"


def test_the_longest_side_limits_tiles():
    grid = plan_grid(300, 500, Enlarging(reach=10), 1e9, longest_side=128)
    assert grid.longest_side <= 128
    assert grid.work < 2 * 300 * 500


@given(networks, st.integers(1, 120), st.integers(1, 120))
def test_tiles_give_the_pixels_of_the_whole_frame(network, height, width):
    # A network without a reach that only enlarges shows whether weights add up to one. Smaller
    # tiles let a square network see less beyond the frame.
    assume(not (network.square and network.reach))
    frames = noise(2, 3, height, width)
    least = smallest_tile(height, width, network)
    whole = upscale_frame(frames, network, plan_grid(height, width, network, 1e9), network.scale)
    tiled = upscale_frame(frames, network, plan_grid(height, width, network, least), network.scale)
    assert tiled.shape == (2, 3, height * network.scale, width * network.scale)
    assert_close(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1)])
def test_the_smallest_frames_are_mirrored_to_what_the_network_needs(size):
    network = Enlarging(minimum=32, multiple_of=16)
    frames = noise(1, 3, *size)
    larger = upscale_frame(frames, network, plan_grid(*size, network, 1e9), 2)
    assert_close(larger, frames.repeat_interleave(2, -1).repeat_interleave(2, -2))


def test_activations_are_counted_while_they_live():
    def run(picture):  # two tensors of its size alive at most, beside the picture
        first = picture + 1
        second = first + 1
        del first
        return second + 1

    per_pixel = bytes_a_pixel(run, Enlarging(), torch.device("cpu"))
    assert per_pixel == 2 * 3 * 4 * UNSEEN


def test_less_memory_makes_smaller_tiles_and_the_same_pixels():
    frames = noise(1, 3, 120, 200)
    network = Enlarging(reach=4)
    rich = TiledNetwork(network, room(), Precision.AUTO)
    poor = TiledNetwork(network, room(2**20), Precision.AUTO)
    assert_close(poor(frames), rich(frames), rtol=0, atol=1e-6)
    assert rich.grids[tuple(frames.shape)].tiles == 1
    assert poor.grids[tuple(frames.shape)].tiles > 1


def test_when_memory_runs_out_tiles_get_smaller_for_good(caplog):
    frames = noise(1, 3, 120, 200)
    network = Enlarging(reach=4)
    whole = TiledNetwork(network, room(), Precision.AUTO)(frames)
    network.most_pixels = 5000
    tiled = TiledNetwork(network, room(), Precision.AUTO)
    assert_close(tiled(frames), whole, rtol=0, atol=1e-6)
    assert len(caplog.messages) == 2
    network.seen.clear()
    assert_close(tiled(frames), whole, rtol=0, atol=1e-6)
    assert len(caplog.messages) == 2
    assert max(shape[-1] * shape[-2] for shape in network.seen) <= 5000


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=str,
)
def test_every_way_of_running_out_of_memory_is_known(error):
    network = Enlarging(reach=2)
    tiled = TiledNetwork(network, room(), Precision.AUTO)
    whole = tiled(noise(1, 3, 40, 60))
    network.errors.append(error)
    assert_close(tiled(noise(1, 3, 40, 60)), whole, rtol=0, atol=1e-6)


def test_other_errors_come_through():
    network = Enlarging()
    tiled = TiledNetwork(network, room(), Precision.AUTO)
    tiled(noise(1, 3, 8, 8))
    network.errors.append(RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        tiled(noise(1, 3, 8, 8))


def test_too_little_memory_for_any_tile_says_so():
    network = Enlarging(reach=4, most_pixels=5)
    tiled = TiledNetwork(network, room(), Precision.AUTO)
    tiled._bytes_a_pixel = 100.0
    with pytest.raises(TooLittleMemoryError, match="frames of 60x40 with a double"):
        tiled(noise(1, 3, 40, 60))


def test_half_precision_that_overflows_is_given_up(caplog):
    class Overflowing(Enlarging):
        def __call__(self, rgb):
            half = torch.is_autocast_enabled("cpu")
            return super().__call__(rgb) * (torch.nan if half else 1)

    network = Overflowing()
    tiled = TiledNetwork(network, room(), Precision.FP16)
    frames = noise(1, 3, 10, 10)
    assert_close(tiled(frames), frames.repeat_interleave(2, -1).repeat_interleave(2, -2))
    assert "overflows in fp16" in caplog.text


def test_a_precision_that_the_network_lacks_is_refused():
    with pytest.raises(ValueError, match="cannot compute in bf16"):
        TiledNetwork(Enlarging(), room(), Precision.BF16)


def test_a_cancel_between_tiles_stops():
    class CancelledError(Exception):
        pass

    def cancel():
        raise CancelledError

    tiled = TiledNetwork(Enlarging(), room(between_tiles=cancel), Precision.AUTO)
    with pytest.raises(CancelledError):
        tiled(noise(1, 3, 10, 10))
