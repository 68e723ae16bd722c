"""Clips that wait come back as they were, wherever they waited, and leave nothing behind."""

from __future__ import annotations

import errno
import os
from unittest.mock import patch

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from svd_studio.sampling import parking as module
from svd_studio.sampling import spill
from svd_studio.sampling.ladder import NotEnoughMemoryError
from svd_studio.sampling.parking import Parking, Place, band_bounds
from svd_studio.sampling.spill import file_memory

CPU = torch.device("cpu")
SHAPE = (5, 6, 8, 24)
ALL = 2**40
ROOMS = {
    Place.DEVICE: (ALL, ALL),
    Place.HOST: (0, ALL),
    Place.FILE: (0, 0),
}


@pytest.fixture(autouse=True)
def _small_bands():
    with patch.object(module, "BAND", 64 * 5 * 6):
        yield


def values(shape=SHAPE, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def parked(clip, device_room, host_room, folder):
    found = Parking(CPU, device_room, host_room, folder).park(tuple(clip.shape), clip.dtype)
    for start in range(0, len(clip), 2):
        part = slice(start, min(start + 2, len(clip)))
        found.put_frames(part, clip[part])
    return found


def all_frames(found):
    return torch.cat([found.frames(slice(t, t + 1))() for t in range(found.shape[0])])


@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40))
def test_bands_cover_every_pixel_once(frames, channels, height, width):
    bounds = band_bounds((frames, channels, height, width))
    assert [p for start, stop in bounds for p in range(start, stop)] == list(range(height * width))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("place", list(Place))
def test_frames_come_back(place, dtype, tmp_path):
    clip = values(dtype=dtype)
    found = parked(clip, *ROOMS[place], tmp_path)
    assert {band.place for band in found.bands} == {place}
    assert torch.equal(all_frames(found), clip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 6), st.integers(0, 6))
def test_a_clip_may_wait_in_three_places(tmp_path, device, host):
    band = 64 * 5 * 6 * 4
    found = parked(values(), device * band, host * band, tmp_path)
    assert torch.equal(all_frames(found), values())
    held = [found.parking.held(place) for place in Place]
    assert held == [found.parking.peak[place] for place in Place]
    assert (sum(held), held[0] <= device * band, held[1] <= host * band) == (3 * band, True, True)


@pytest.mark.parametrize("place", list(Place))
def test_bands_changed_in_place_are_kept(place, tmp_path):
    found = parked(values(), *ROOMS[place], tmp_path)
    for index in range(len(found.bands)):
        band = found.band(index)()
        found.put_band(index, band.mul_(2))
    found.parking.settle()
    assert torch.equal(all_frames(found), values() * 2)


@pytest.mark.parametrize("host_room", [0, ALL])
def test_what_leaves_the_device_is_not_changed(host_room, tmp_path):
    found = parked(values(), ALL, host_room, tmp_path)
    found.parking.leave_device(found)
    assert found.parking.held(Place.DEVICE) == 0
    assert torch.equal(all_frames(found), values())


@pytest.mark.parametrize("place", list(Place))
def test_single_frames_beside_the_device(place, tmp_path):
    found = parked(values(), *ROOMS[place], tmp_path)
    found.write_frame(3, found.read_frame(1))
    assert torch.equal(found.read_frame(3), values()[1])


def test_what_is_dropped_makes_room(tmp_path):
    parking = Parking(CPU, ALL, 0, tmp_path)
    first = parking.park(SHAPE, torch.float32)
    assert parking.held(Place.DEVICE) == 5 * 6 * 8 * 24 * 4
    del first
    assert parking.held(Place.DEVICE) == 0


def test_short_host_memory_spills(tmp_path):
    parking = Parking(CPU, 0, ALL, tmp_path, new_in_host=lambda shape, dtype: None)
    assert {b.place for b in parking.park(SHAPE, torch.float32).bands} == {Place.FILE}


def test_file_has_no_name_and_ends_with_its_last_tensor(tmp_path):
    memory = file_memory(4096, tmp_path)
    assert list(tmp_path.iterdir()) == []
    memory[5:9] = 7
    assert memory[4:10].tolist() == [0, 7, 7, 7, 7, 0]
    before = mapped_files()
    del memory
    assert before - mapped_files() <= 1  # 0 where the system does not tell


def mapped_files():
    maps = "/proc/self/maps"
    if not os.path.exists(maps):
        return 0
    with open(maps) as lines:
        return sum("svd_studio_" in line or "(deleted)" in line for line in lines)


@pytest.mark.parametrize("reserves", [True, False])
def test_full_disk_is_one_clear_sentence(tmp_path, monkeypatch, reserves):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if reserves:
        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
        monkeypatch.setattr(spill, "_write_zeros", full)
    with pytest.raises(
        NotEnoughMemoryError, match=r"has no room for 3.0 GiB .* are free: No space"
    ):
        file_memory(3 * 2**30, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_space_is_written_where_it_cannot_be_reserved(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    monkeypatch.setattr(spill, "BLOCK", 1000)
    assert file_memory(4096, tmp_path).count_nonzero() == 0
