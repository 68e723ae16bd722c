"""Copies beside the computation; on CUDA, the exact decode under a real cap."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling import decode_stages, parking
from svd_studio.sampling.parking import Parking
from svd_studio.sampling.pinned import give_back_pinned, host_tensor, lane_for

CPU = torch.device("cpu")
SHAPE = (6, 32, 64, 96)


def test_copies_are_done_at_once_where_there_are_no_streams():
    buffer, source = torch.zeros(8), torch.arange(8.0)
    arrival = lane_for(CPU).carry(buffer, [(buffer[:4], source[:4])])
    arrival.wait()
    arrival.synchronize()
    assert buffer.tolist() == [0, 1, 2, 3, 0, 0, 0, 0]


def test_memory_that_cannot_be_pinned_is_plain():
    found = host_tensor((2, 3), torch.float16, pinned=not torch.cuda.is_available())
    assert found.shape == (2, 3)


@pytest.mark.parametrize("pinned", [True, False])
def test_pinned_memory_is_asked_for_first(monkeypatch, pinned):
    asked = []

    def empty(shape, dtype, pin_memory):
        asked.append(pin_memory)
        raise RuntimeError("no memory")

    monkeypatch.setattr(torch, "empty", empty)
    host_tensor((2, 3), torch.float16, pinned=pinned)
    assert asked == ([True, False] if pinned else [False])


def test_no_host_memory_is_none():
    assert host_tensor((2**60,), torch.float32, pinned=False) is None


def test_giving_back_is_harmless():
    give_back_pinned()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_clip_goes_to_pinned_memory_and_back_behind_the_computation(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(parking, "BAND", 2**17)
    device = torch.device("cuda")
    clip = Parking(device, 0, 2**40, tmp_path).park(SHAPE, dtype)
    assert all(band.values.is_pinned() for band in clip.bands)
    values = torch.randn(SHAPE, device=device).to(dtype)
    for _ in range(3):  # what is read behind what is written must be what was written
        for t in range(len(values)):
            clip.put_frames(slice(t, t + 1), values[t : t + 1] * 2)
        values = values * 2
        fetched = [clip.frames(slice(t, t + 1)) for t in range(len(values))]
        assert torch.equal(torch.cat([finish() for finish in fetched]), values)
        for index in range(len(clip.bands)):
            band = clip.band(index)()
            clip.put_band(index, band.mul_(0.5))
        values = values * 0.5
    clip.parking.settle()
    assert torch.equal(torch.stack([clip.read_frame(t) for t in range(6)]).to(device), values)


@pytest.mark.gpu
@pytest.mark.comfy
def test_cuda_decode_is_the_same_bits_wherever_the_clip_waits(core, tmp_path, monkeypatch):
    from svd_studio.models.architecture import VAEArchitecture
    from svd_studio.models.loader import build_vae
    from svd_studio.sampling.decode import decode_exact
    from svd_studio.sampling.decode_pieces import Pieces

    monkeypatch.setattr(parking, "BAND", 2**18)
    monkeypatch.setattr(decode_stages, "FRAMES", 2**20)
    device = torch.device("cuda")
    vae = build_vae(VAEArchitecture(32)).eval().half().to(device)
    for weight in vae.parameters():
        torch.nn.init.normal_(weight, 0.0, weight[0].numel() ** -0.5)
    latents = torch.randn(9, 4, 24, 32).half()
    films = []
    with torch.inference_mode():
        for rooms in ((2**40, 0), (0, 2**40), (0, 0)):
            pieces = Pieces(Parking(device, *rooms, tmp_path))
            films.append(torch.cat(list(decode_exact(vae.decoder, latents, pieces))))
            assert sum(held > 0 for held in pieces.parking.peak.values()) == 1
    assert torch.equal(films[0], films[1])
    assert torch.equal(films[0], films[2])
