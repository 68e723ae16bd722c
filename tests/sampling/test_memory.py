"""The memory plan, and its estimates against tensors that are really alive."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.dev.live_peak import LivePeak, linear_attention
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.sources import MINI, open_svd
from svd_studio.sampling.memory import (
    GIBI,
    RUNGS,
    AttentionKind,
    Pass,
    activation_bytes,
    plan_memory,
    share_a_pass,
)

SVD = UNetArchitecture()
FILM = Pass(25, 72, 128, 2, conds=2)
SIZES = [(14, 72, 128), (25, 72, 128), (25, 40, 72), (8, 96, 96), (14, 18, 32)]
PASSES = st.builds(
    Pass,
    st.integers(1, 120),
    st.integers(8, 160),
    st.integers(8, 160),
    st.sampled_from([2, 4]),
    st.integers(1, 2),
    st.sampled_from(AttentionKind),
)


@pytest.fixture(scope="module", params=["SVD", "svd-mini"])
def architecture(request):
    return SVD if request.param == "SVD" else open_svd(MINI).unet_architecture


@pytest.mark.comfy
@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_estimates_are_within_a_tenth_of_the_live_tensors(core, architecture, rung, dtype):
    from svd_studio.dev.meta_unet import MetaUNet

    unet = MetaUNet(architecture, dtype)
    for frames, height, width in SIZES:
        one_pass = Pass(frames, height, width, dtype.itemsize, conds=2)
        with linear_attention(), LivePeak("meta") as live:
            unet.run(one_pass, rung)
        assert activation_bytes(architecture, one_pass, rung) == pytest.approx(live.peak, rel=0.1)


@pytest.mark.comfy
@pytest.mark.parametrize("rung", RUNGS[:3], ids=lambda rung: rung.name)
@pytest.mark.parametrize("room", [1.0, 1.2, 2.0])
def test_sliced_attention_stays_within_the_budget_it_was_planned_for(core, rung, room):
    from svd_studio.dev.meta_unet import MetaUNet

    unet = MetaUNet(SVD, torch.float16)
    for frames, height, width in [(14, 72, 128), (25, 40, 72), (14, 18, 32)]:
        one_pass = Pass(frames, height, width, 2, 2, AttentionKind.SLICED)
        budget = room * activation_bytes(SVD, one_pass, rung)
        live = LivePeak("meta")

        def free(*_, live=live, budget=budget):
            return (max(1, budget - live.live),) * 2

        with patch("comfy.model_management.get_free_memory", free), live:
            unet.run(one_pass, rung)
        assert live.peak <= budget


def test_the_published_film_meets_its_yardsticks():
    chunked, one = RUNGS[1], replace(FILM, conds=1)
    assert activation_bytes(SVD, one, chunked) <= 2.0 * GIBI
    assert activation_bytes(SVD, FILM, chunked) <= 3.6 * GIBI
    assert activation_bytes(SVD, one, RUNGS[-1]) <= 1.0 * GIBI


@given(PASSES)
def test_every_rung_needs_less_than_the_one_above(one_pass):
    needs = [activation_bytes(SVD, one_pass, rung) for rung in RUNGS]
    assert needs == sorted(needs, reverse=True)


@given(PASSES, st.floats(0, 64), st.floats(0, 64))
def test_a_larger_budget_never_climbs_further_down(one_pass, one, other):
    plans = [plan_memory(SVD, one_pass, gib * GIBI) for gib in sorted((one, other))]
    assert RUNGS.index(plans[1].rung) <= RUNGS.index(plans[0].rung)


@given(PASSES, st.floats(0, 64))
def test_a_plan_that_fits_is_within_its_budget(one_pass, gib):
    plan = plan_memory(SVD, one_pass, gib * GIBI)
    assert plan.fits == (plan.estimate <= gib * GIBI)
    assert plan.fits or plan.rung is RUNGS[-1]


@given(PASSES, st.integers(1, 2))
def test_conditionings_share_a_pass_by_the_film_and_not_by_the_attention(one_pass, conds):
    kinds = [replace(one_pass, attention=kind) for kind in AttentionKind]
    assert len({share_a_pass(SVD, kind, conds).conds for kind in kinds}) == 1


def test_small_films_share_a_pass_and_large_ones_do_not():
    assert share_a_pass(SVD, Pass(14, 8, 16, 2), 2).conds == 2
    assert share_a_pass(SVD, FILM, 2).conds == 1


def test_without_a_limit_nothing_is_chunked():
    assert plan_memory(SVD, FILM, float("inf")).rung is RUNGS[0]


def test_a_plan_says_what_it_needs_and_may_take():
    text = plan_memory(SVD, replace(FILM, conds=1), 2 * GIBI).describe()
    assert "large chunks" in text
    assert "2.00 GiB" in text
