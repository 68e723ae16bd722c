"""The EDM objective: the identities that the preconditioning rests on."""

import pytest
import torch
from svd_studio.sampling.motion import motion_bucket_of, speed_of_bucket
from svd_studio.training.objective import (
    SigmaDistribution,
    denoised,
    network_input,
    v_target,
)
from svd_studio.training.vector_conditioning import vector_conditioning


@pytest.mark.parametrize("sigma", [0.002, 0.1, 1.0, 30.0, 700.0])
def test_the_target_output_gives_back_x0(sigma):
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 5, 4, 8, 8, generator=generator, dtype=torch.float64)
    level = torch.tensor(sigma, dtype=torch.float64)
    target = v_target(x0, noise, level)
    torch.testing.assert_close(denoised(x0 + level * noise, level, target), x0)


def test_the_network_sees_unit_variance_at_every_sigma():
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 40000, generator=generator)
    for sigma in (0.01, 1.0, 100.0):
        x, _ = network_input(x0 + sigma * noise, torch.tensor(sigma))
        assert x.std().item() == pytest.approx(1, abs=0.02)


def test_sigmas_stay_in_range_and_visit_every_band():
    generator = torch.Generator().manual_seed(0)
    sigma = SigmaDistribution().sample(20000, generator)
    assert sigma.min() >= 0.002
    assert sigma.max() <= 700
    above = (sigma > 60).float().mean().item()
    middle = ((sigma > 2) & (sigma <= 60)).float().mean().item()
    assert above == pytest.approx(0.07, abs=0.02)
    assert 0.45 < middle < 0.75


def test_motion_buckets_rise_with_speed_and_invert():
    flows = [0, 0.0005, 0.001, 0.003, 0.008]
    buckets = [motion_bucket_of(flow, 7) for flow in flows]
    assert buckets == sorted(buckets)
    assert buckets[0] == 0
    assert speed_of_bucket(motion_bucket_of(0.004, 7)) == pytest.approx(0.028, rel=0.02)
    assert motion_bucket_of(1.0, 24) == 255


def test_twice_the_frame_rate_with_half_the_flow_is_the_same_motion():
    assert motion_bucket_of(0.004, 7) == motion_bucket_of(0.002, 14)


def test_vector_conditioning_is_three_sinusoidal_embeddings():
    vector = vector_conditioning(6, 127, 0.02)
    assert vector.shape == (768,)
    frequencies = 10000 ** (-torch.arange(128) / 128)
    torch.testing.assert_close(vector[256:384], torch.cos(127 * frequencies), atol=1e-4, rtol=0)
    torch.testing.assert_close(vector[384:512], torch.sin(127 * frequencies), atol=1e-4, rtol=0)
