"""The exact decode of the published network, with random weights, beside the whole decode."""

from __future__ import annotations

import time

import pytest
import torch
from svd_studio.dev.full_size import full_size_checkpoint
from svd_studio.sampling.decode_pieces import Pieces
from svd_studio.sampling.parking import Parking

pytestmark = [pytest.mark.comfy, pytest.mark.slow, pytest.mark.usefixtures("as_executed")]

CPU = torch.device("cpu")
ALL = 2**40


@pytest.fixture(scope="module")
def network(core):
    from svd_studio.models.architecture import VAEArchitecture
    from svd_studio.models.loader import build_vae
    from svd_studio.models.sources import open_svd

    network = build_vae(VAEArchitecture()).eval()
    network.load_state_dict(open_svd(full_size_checkpoint()).read_vae(), strict=False)
    return network.float()


@pytest.fixture(scope="module")
def latents():
    return torch.randn(14, 4, 16, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def whole(network, latents):
    with torch.inference_mode():
        started = time.process_time()
        return network.decode(latents), time.process_time() - started


@pytest.mark.parametrize("rooms", [(ALL, 0), (0, 0)], ids=["in memory", "in a file"])
def test_decode_is_that_of_the_whole_in_much_the_same_time(
    network, latents, whole, tmp_path, rooms, record_property
):
    from svd_studio.sampling.decode import decode_exact

    started = time.process_time()
    frames = decode_exact(network.decoder, latents, Pieces(Parking(CPU, *rooms, tmp_path)))
    found = torch.cat(list(frames))
    ratio = (time.process_time() - started) / whole[1]
    difference = (found - whole[0]).abs().max().item() / 2  # in 0..1
    record_property("largest difference", f"{difference:.1e}")
    record_property("time", f"{ratio:.2f} of the whole")
    assert difference <= 1e-3
    assert ratio <= 1.3


def test_frames_in_rows_are_those_of_the_whole(network, latents, whole, tmp_path):
    from svd_studio.sampling.decode import decode_exact

    pieces = Pieces(Parking(CPU, 0, ALL, tmp_path), frame_limit=0)
    found = torch.cat(list(decode_exact(network.decoder, latents, pieces)))
    assert (found - whole[0]).abs().max() <= 2e-5
