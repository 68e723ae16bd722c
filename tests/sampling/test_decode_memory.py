"""The decode's memory, estimated and counted: on the meta device full size takes seconds."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.decode_memory import (
    least_bytes,
    parked_bytes,
    peak_bytes,
    plan_decode,
)
from svd_studio.sampling.decode_stages import decoder_stages
from svd_studio.sampling.parking import Place

pytestmark = pytest.mark.comfy

GIBI, ALL = 2**30, 2**50
SHAPES = [(1, 4, 8, 8), (2, 4, 72, 128), (5, 4, 24, 40), (14, 4, 16, 32), (9, 4, 32, 56)]
WAYS = {
    "at ease": {"away": False, "halves": True},
    "at home": {"away": False},
    "away": {"away": True},
    "in rows": {"away": True, "frame_limit": 0},
}


@pytest.fixture(scope="module")
def network_of(core):
    """Builds a decoder on the meta device; its attention takes no memory beside its result."""
    from svd_studio.dev.meta_decoder import meta_decoder

    return meta_decoder


@pytest.fixture(scope="module")
def measured(core):
    """Peak bytes on the device, and what waited where."""
    from svd_studio.dev.meta_decoder import exact_peak

    return exact_peak


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("channels", [32, 128])
def test_estimate_is_within_a_tenth(network_of, measured, tmp_path, way, shape, dtype, channels):
    decoder, options = network_of(channels, dtype), way.copy()
    away = options.pop("away")
    peak, waited = measured(decoder, shape, tmp_path, 0 if away else ALL, **options)
    stages = decoder_stages(decoder)
    assert peak_bytes(stages, shape, dtype.itemsize, **way) == pytest.approx(peak, rel=0.1)
    held = waited[Place.HOST if away else Place.DEVICE]
    assert parked_bytes(stages, shape, dtype.itemsize) == held


@pytest.mark.parametrize("frames", [pytest.param(100, marks=pytest.mark.slow), 25])
def test_published_size_takes_less_than_a_gib(network_of, measured, tmp_path, frames):
    shape = (frames, 4, 72, 128)
    peak, waited = measured(network_of(), shape, tmp_path)
    assert peak <= 0.8 * GIBI
    assert waited[Place.HOST] <= frames / 25 * 5.5 * GIBI


def test_frames_in_rows_take_a_quarter_of_a_gib(network_of, measured, tmp_path):
    assert measured(network_of(), (2, 4, 144, 256), tmp_path, frame_limit=0)[0] <= 0.25 * GIBI


@pytest.mark.parametrize("budget", [0.2, 0.5, 1, 2, 4, 8, 100])
def test_plan_stays_within_its_budget(network_of, measured, tmp_path, budget):
    shape, decoder = (5, 4, 72, 128), network_of()
    plan = plan_decode(decoder_stages(decoder), shape, 2, int(budget * GIBI))
    rung = (plan.device_room, plan.frame_limit, plan.keeps_halves)
    peak, waited = measured(decoder, shape, tmp_path, *rung)
    assert peak <= plan.estimate * 1.001 <= budget * GIBI * 1.001
    assert waited[Place.DEVICE] <= plan.device_room


def test_smallest_budget_does_not_grow_with_the_film(network_of):
    stages = decoder_stages(network_of())
    least = [least_bytes(stages, (frames, 4, 72, 128), 2) / GIBI for frames in (25, 100)]
    assert least == [pytest.approx(0.16, abs=0.02)] * 2
