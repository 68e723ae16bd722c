"""The exact decode: the whole decode's pixels, the same bits at every budget, after every fault."""

from __future__ import annotations

import gc
from unittest.mock import patch

import pytest
import torch
from svd_studio.dev.short_memory import ShortMemory
from svd_studio.sampling import decode_stages, parking, row_tiles
from svd_studio.sampling.ladder import NotEnoughMemoryError
from svd_studio.sampling.parking import Place
from torch.testing import assert_close
from torch.utils._python_dispatch import _disable_current_modes

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "small_pieces")]

CPU = torch.device("cpu")
ALL = 2**40
SHAPE = (5, 4, 6, 8)
ROOMS = {
    "device": (ALL, 0),
    "halves kept": (ALL, 0, True),
    "host": (0, ALL),
    "file": (0, 0),
    "all three": (10**5, 2 * 10**5),
}
LARGE = 2**12  # bytes; smaller allocations never fail here


@pytest.fixture
def small_pieces():
    """Several bands and several chunks of frames, though the film is small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sharing work this small takes longer than doing it
    with (
        patch.object(parking, "BAND", 2**13),
        patch.object(decode_stages, "FRAMES", 2**14),
        patch.object(row_tiles, "ROWS", 2**12),
    ):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def network(core):
    """A temporal autoencoder of two levels, with random weights."""
    from svd_studio.models.architecture import VAEArchitecture
    from svd_studio.models.loader import build_vae

    vae = build_vae(VAEArchitecture(32, (1, 2), 1, norm_num_groups=8)).eval()
    generator = torch.Generator().manual_seed(1)
    for weight in vae.parameters():
        torch.nn.init.normal_(weight, 0.0, weight[0].numel() ** -0.5, generator=generator)
    return vae.requires_grad_(False)


@pytest.fixture(scope="module")
def latents():
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def whole(network, latents):
    with torch.inference_mode():
        return network.decode(latents)


def pieces_of(folder, device_room=ALL, host_room=ALL, halves=False, **options):
    from svd_studio.sampling.decode_pieces import Pieces

    return Pieces(
        parking.Parking(CPU, device_room, host_room, folder), keeps_halves=halves, **options
    )


def decode(network, latents, pieces):
    from svd_studio.sampling.decode import decode_exact

    frames = list(decode_exact(network.decoder, latents, pieces))
    with _disable_current_modes():  # what is ours to allocate does not fail
        return torch.cat(frames)


def live_bytes():
    gc.collect()
    return sum(o.untyped_storage().nbytes() for o in gc.get_objects() if type(o) is torch.Tensor)


@pytest.mark.parametrize("rooms", ROOMS.values(), ids=ROOMS.keys())
def test_decode_is_that_of_the_whole_and_the_same_bits_everywhere(
    network, latents, whole, tmp_path, rooms
):
    found = decode(network, latents, pieces_of(tmp_path, *rooms))
    assert_close(found, whole, rtol=0, atol=2e-5)
    assert torch.equal(found, decode(network, latents, pieces_of(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_miniature_decodes_as_it_does_whole(mini, tmp_path):
    network = mini.vae.first_stage_model
    latents = torch.randn(3, 4, 6, 8, generator=torch.Generator().manual_seed(4))
    found = decode(network, latents, pieces_of(tmp_path, 0))
    assert_close(found, network.decode(latents), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 4, 3, 5), (2, 4, 8, 8), (7, 4, 1, 1)], ids=str)
def test_any_size_is_that_of_the_whole(network, tmp_path, shape):
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(4))
    found = decode(network, latents, pieces_of(tmp_path))
    assert_close(found, network.decode(latents), rtol=0, atol=2e-5)


@pytest.mark.parametrize("frame_limit", [0, 2 * 10**5])
def test_frames_in_rows_are_those_of_the_whole(network, latents, whole, tmp_path, frame_limit):
    pieces = pieces_of(tmp_path, 0, frame_limit=frame_limit)
    assert_close(decode(network, latents, pieces), whole, rtol=0, atol=1e-5)
    assert pieces.was_cut


def test_latents_are_left_alone(network, latents, tmp_path):
    before = latents.clone()
    decode(network, latents, pieces_of(tmp_path))
    assert torch.equal(latents, before)


def test_pieces_are_as_many_as_announced(network, latents, tmp_path):
    from svd_studio.sampling.decode import count_pieces

    asked = []
    decode(network, latents, pieces_of(tmp_path, between_pieces=lambda: asked.append(1)))
    assert len(asked) == count_pieces(decode_stages.decoder_stages(network.decoder), SHAPE)


@pytest.mark.parametrize("rooms", [(ALL, ALL), (ALL, ALL, True), (0, ALL)], ids=str)
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_one_failed_allocation_anywhere_changes_no_bit(network, latents, tmp_path, rooms, step):
    """One rung is given up for each, and none of those that a single fault reaches rounds."""
    with ShortMemory(LARGE) as counting:
        expected = decode(network, latents, pieces_of(tmp_path, *rooms))
    assert counting.count > 100
    for n in range(0, counting.count, step):
        pieces = pieces_of(tmp_path, *rooms)
        with ShortMemory(LARGE, {n}):
            found = decode(network, latents, pieces)
        assert torch.equal(found, expected), n
        assert len(pieces.retries) <= 1


def test_one_failed_allocation_among_rows_changes_no_bit(network, latents, tmp_path):
    def in_rows():
        return pieces_of(tmp_path, 0, frame_limit=0)

    with ShortMemory(LARGE) as counting:
        expected = decode(network, latents, in_rows())
    for n in range(0, counting.count, 29):
        with ShortMemory(LARGE, {n}):
            assert torch.equal(decode(network, latents, in_rows()), expected), n


@pytest.mark.parametrize("faults", [2, 3, ALL])
@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.slow)])
def test_memory_that_stays_short_ends_in_the_same_film_or_in_the_message(
    network, latents, whole, tmp_path, faults, step
):
    with ShortMemory(LARGE) as counting:
        decode(network, latents, pieces_of(tmp_path))
    messages = 0
    for n in range(0, counting.count, step):
        pieces = pieces_of(tmp_path, too_large="needs 1, may take 0")
        try:
            with ShortMemory(LARGE, range(n, n + faults)):
                found = decode(network, latents, pieces)
            assert_close(found, whole, rtol=0, atol=2e-5)
        except NotEnoughMemoryError as error:
            assert str(error) == "needs 1, may take 0"  # noqa: PT017 - both ends are right
            messages += 1
    assert messages or faults < ALL


def test_full_disk_stops_the_decode_with_its_message(network, latents, tmp_path, monkeypatch):
    import errno
    import os

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(NotEnoughMemoryError, match="has no room for"):
        decode(network, latents, pieces_of(tmp_path, 0, 0))
    assert list(tmp_path.iterdir()) == []


class CancelledError(Exception):
    pass


@pytest.mark.parametrize("rooms", ROOMS.values(), ids=ROOMS.keys())
def test_cancel_at_any_piece_frees_everything(network, latents, whole, tmp_path, rooms):
    from svd_studio.sampling.decode import count_pieces

    total = count_pieces(decode_stages.decoder_stages(network.decoder), SHAPE)
    before = live_bytes()
    for last in range(0, total, 5):
        left = iter(range(last))

        def between_pieces(left=left):
            if next(left, None) is None:
                raise CancelledError

        with pytest.raises(CancelledError):
            decode(network, latents, pieces_of(tmp_path, *rooms, between_pieces=between_pieces))
    assert list(tmp_path.iterdir()) == []
    assert live_bytes() <= before
    assert_close(decode(network, latents, pieces_of(tmp_path, *rooms)), whole, rtol=0, atol=2e-5)


def test_host_memory_that_is_short_is_spilled(network, latents, whole, tmp_path):
    pieces = pieces_of(tmp_path, 0, 10**5)
    assert_close(decode(network, latents, pieces), whole, rtol=0, atol=2e-5)
    assert pieces.parking.peak[Place.FILE] > 0
