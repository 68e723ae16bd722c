"""Which evaluations reuse, and what they cost against what PyTorch counts."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.sources import MINI, open_svd
from svd_studio.sampling.step_cache import Evaluation, StepCache
from svd_studio.sampling.unet_cost import Film, bytes_held, unet_cost
from torch.utils.flop_counter import FlopCounterMode

SVD, FULL = UNetArchitecture(), Film(25, 72, 128)
NARROW = open_svd(MINI).unet_architecture

SIGMA = st.floats(0.01, 700)
FALLING = st.lists(SIGMA, min_size=1, max_size=40, unique=True).map(
    lambda sigmas: sorted(sigmas, reverse=True)
)
POLICIES = st.builds(
    StepCache, st.integers(1, 12), st.integers(1, 6), st.just(0.0), SIGMA, st.floats(0, 100)
)


def inside(policy: StepCache, evaluations: list[Evaluation]) -> list[Evaluation]:
    return [each for each in evaluations if policy.acts_at(each.sigma)]


@given(POLICIES, FALLING)
def test_outside_the_range_everything_is_whole(policy, sigmas):
    evaluations = policy.plan(sigmas)
    assert [each.sigma for each in evaluations] == sigmas
    assert all(each.whole for each in evaluations if not policy.acts_at(each.sigma))


@given(POLICIES, FALLING)
def test_in_the_range_every_nth_is_whole_and_the_first_is(policy, sigmas):
    whole = [each.whole for each in inside(policy, policy.plan(sigmas))]
    assert whole == [number % policy.every == 0 for number in range(len(whole))]


@given(FALLING)
def test_every_step_whole_is_no_cache(sigmas):
    policy = StepCache(3, every=1)
    assert not policy.reuses
    assert all(each.whole for each in policy.plan(sigmas))


@given(POLICIES, FALLING, st.integers(1, 3))
def test_several_looks_at_one_sigma_are_one_step(policy, sigmas, looks):
    """As heun does, which looks at a sigma as its corrector and again as its predictor."""
    several = policy.plan([sigma for sigma in sigmas for _ in range(looks)])
    assert several[::looks] == policy.plan(sigmas)
    assert all(several[i] == several[i - i % looks] for i in range(len(several)))


@given(POLICIES, st.lists(SIGMA, min_size=2, max_size=30))
def test_a_sigma_that_rises_begins_anew(policy, sigmas):
    evaluations = policy.plan(sigmas)
    for before, after in pairwise(evaluations):
        assert after.whole or after.sigma <= before.sigma


@given(POLICIES, st.lists(SIGMA, max_size=30))
def test_no_more_steps_in_a_row_reuse_than_were_asked_for(policy, sigmas):
    assert all(each.reused_steps < policy.every for each in policy.plan(sigmas))


def test_a_range_ends_where_it_says():
    policy = StepCache(3, 2, start_sigma=100.0, end_sigma=1.0)
    whole = [each.whole for each in policy.plan([200.0, 100.0, 50.0, 20.0, 2.0, 1.0, 0.5])]
    assert whole == [True, True, False, True, False, True, True]


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"every": 0}, {"threshold": -0.1}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="begin at 1"):
        StepCache(**{"blocks": 3, "every": 2} | wrong)


def test_the_description_has_every_setting():
    words = StepCache(3, 4, 0.2, 100.0, 1.0).describe()
    for each in ("3 outer blocks", "every 4", "0.2", "above sigma 1", "from sigma 100"):
        assert each in words
    assert "sigma" not in StepCache(3).describe()
    assert math.isinf(StepCache(3).start_sigma)


@pytest.mark.comfy
@pytest.mark.usefixtures("as_executed")
def test_costs_are_what_is_counted_while_the_network_runs(mini):
    unet, film = mini.model.model.diffusion_model, Film(5, 10, 14)
    inputs = torch.randn(5, 8, 10, 14), torch.ones(5), torch.randn(5, 1, NARROW.context_dim)
    with FlopCounterMode(display=False) as counted:
        unet(*inputs, y=torch.randn(5, 768), num_video_frames=5)
    flops, cost = counted.get_flop_counts(), unet_cost(NARROW, film)
    assert 2 * 5 * cost.whole == pytest.approx(counted.get_total_flops(), rel=1e-6)
    for name, blocks in (("input", cost.encoder), ("output", cost.decoder)):
        for number, block in enumerate(blocks):
            layers = [key for key in flops if is_layer_of(key, f"{name}_blocks.{number}")]
            seen = sum(sum(flops[key].values()) for key in layers)
            assert 2 * 5 * block.macs == pytest.approx(seen, rel=1e-6), (name, number)


def is_layer_of(key: str, block: str) -> bool:
    """UNetModel.input_blocks.1.0 is a layer of input_blocks.1; what is inside of it is not."""
    head, _, layer = key.rpartition(".")
    return head == f"UNetModel.{block}" and layer.isdigit()


def test_a_whole_film_of_the_published_size_costs_what_was_measured():
    assert 2 * 25 * unet_cost(SVD, FULL).whole == pytest.approx(81e12, rel=0.02)


@pytest.mark.parametrize("unet", [SVD, NARROW], ids=["SVD", "svd-mini"])
def test_more_blocks_cost_more_and_never_more_than_a_whole_one(unet):
    cost = unet_cost(unet, FULL)
    shares = [cost.share_of_reused(blocks) for blocks in range(1, len(cost.encoder) + 1)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert shares[-1] < 1
    assert all(0 < cost.share_of_measuring(i + 1) < share for i, share in enumerate(shares))


def test_bytes_are_those_of_the_tensors():
    policy = StepCache(3, 2)
    assert bytes_held(SVD, FULL, policy, 2, conds=2) == 2 * 25 * 640 * 72 * 128 * 2
    one = bytes_held(SVD, FULL, policy, 2, conds=1)
    outer = 25 * 320 * 72 * 128 * 2 // 16
    assert bytes_held(SVD, FULL, StepCache(3, 2, 0.1), 2, conds=1) == one + outer
    assert bytes_held(SVD, FULL, StepCache(3, 1), 2, conds=2) == 0
