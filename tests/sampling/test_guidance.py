from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.guidance import (
    PRESETS,
    FrameGuidance,
    GuidancePlan,
    GuidanceShape,
    faded,
)
from torch.testing import assert_close

FRAMES = [2, 3, 14, 25]
SHAPES = pytest.mark.parametrize("shape", GuidanceShape, ids=lambda shape: shape.value)
SCALES = st.floats(0, 10, width=32)


@pytest.mark.parametrize("frames", FRAMES)
def test_linear_rises_by_the_same_amount_every_frame(frames):
    expected = torch.tensor([1 + 1.5 * i / (frames - 1) for i in range(frames)])
    assert_close(FrameGuidance(1.0, 2.5).scales(frames), expected)


@pytest.mark.parametrize("frames", FRAMES)
def test_triangle_peaks_in_the_middle(frames):
    share = [1 - abs(2 * i / (frames - 1) - 1) for i in range(frames)]
    expected = torch.tensor([1 + 1.5 * s for s in share])
    assert_close(FrameGuidance(1.0, 2.5, GuidanceShape.TRIANGLE).scales(frames), expected)


@pytest.mark.parametrize("frames", FRAMES)
def test_triangle_ends_as_it_began(frames):
    scales = FrameGuidance(1.0, 2.5, GuidanceShape.TRIANGLE).scales(frames)
    assert_close(scales[[0, -1]], torch.ones(2))


@pytest.mark.parametrize("frames", FRAMES)
def test_constant_uses_the_last_scale_everywhere(frames):
    scales = FrameGuidance(1.0, 2.5, GuidanceShape.CONSTANT).scales(frames)
    assert_close(scales, torch.full((frames,), 2.5))


@pytest.mark.parametrize(
    "shape", [GuidanceShape.LINEAR, GuidanceShape.TRIANGLE], ids=lambda shape: shape.value
)
@given(first=SCALES, last=SCALES, frames=st.integers(2, 60))
def test_first_frame_gets_the_first_scale(shape, first, last, frames):
    assert FrameGuidance(first, last, shape).scales(frames)[0].item() == first


@SHAPES
@given(first=SCALES, last=SCALES, frames=st.integers(2, 60))
def test_no_frame_leaves_the_span_of_the_two_scales(shape, first, last, frames):
    scales = FrameGuidance(first, last, shape).scales(frames)
    low, high = sorted((first, last))
    assert low - 1e-5 <= scales.min() <= scales.max() <= high + 1e-5


def test_every_frame_is_moved_from_uncond_by_its_own_scale():
    cond, uncond = torch.full((3, 4, 2, 2), 5.0), torch.full((3, 4, 2, 2), 1.0)
    combined = FrameGuidance(1.0, 3.0).combine(cond, uncond)
    assert_close(combined[:, 0, 0, 0], torch.tensor([5.0, 9.0, 13.0]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_combining_keeps_the_precision(dtype):
    cond = torch.ones(3, 4, 2, 2, dtype=dtype)
    assert FrameGuidance(1.0, 3.0).combine(cond, cond).dtype == dtype


@SHAPES
@given(first=st.sampled_from([0.0, 1.0, 2.0]), last=st.sampled_from([0.0, 1.0, 2.0]))
def test_uncond_is_needed_unless_every_scale_is_one(shape, first, last):
    guidance = FrameGuidance(first, last, shape)
    assert guidance.needs_uncond == bool((guidance.scales(9) != 1).any())


@pytest.mark.parametrize(
    ("guidance", "words"),
    [
        (FrameGuidance(1.5, 3.0), "linear 1.5 to 3"),
        (FrameGuidance(1.0, 2.5, GuidanceShape.TRIANGLE), "triangle 1 to 2.5"),
        (FrameGuidance(1.0, 2.5, GuidanceShape.CONSTANT), "constant 2.5"),
    ],
    ids=["linear", "triangle", "constant"],
)
def test_guidance_describes_itself(guidance, words):
    assert guidance.describe() == words


@pytest.mark.parametrize(
    ("preset", "ends"),
    [("svd", (1.0, 2.5)), ("svd_xt", (1.5, 3.0)), ("diffusers", (1.0, 3.0))],
    ids=["svd", "svd_xt", "diffusers"],
)
def test_preset_is_the_reference_configuration(preset, ends):
    assert PRESETS[preset] == FrameGuidance(*ends)


class TestPlan:
    """When the unconditional pass runs."""

    def test_every_step_is_guided_anew_unless_told(self):
        plan = GuidancePlan()
        assert plan.is_everything
        assert plan.needs_uncond(700.0, None)
        assert plan.needs_uncond(0.002, 0.0021)

    def test_outside_the_range_it_never_runs(self):
        plan = GuidancePlan(100.0, 1.0)
        runs = [plan.needs_uncond(sigma, None) for sigma in (700.0, 100.0, 1.01, 1.0, 0.5)]
        assert runs == [False, True, True, False, False]

    def test_carried_on_it_runs_where_sigma_has_fallen_so_far(self):
        plan, last, runs = GuidancePlan(carry=4.0), None, []
        for sigma in (700.0, 200.0, 100.0, 50.0, 20.0, 1.0):
            if plan.needs_uncond(sigma, last):
                last = sigma
                runs.append(sigma)
        assert runs == [700.0, 100.0, 20.0, 1.0]

    def test_a_sampler_that_comes_back_to_a_sigma_gets_the_same(self):
        assert GuidancePlan(carry=4.0).needs_uncond(10.0, 10.0)

    @given(
        sigmas=st.lists(st.floats(0.01, 700), min_size=1, max_size=30, unique=True),
        carry=st.floats(1, 20),
    )
    def test_a_difference_is_never_carried_further_than_told(self, sigmas, carry):
        plan, last = GuidancePlan(carry=carry), None
        for sigma in sorted(sigmas, reverse=True):
            if plan.needs_uncond(sigma, last):
                last = sigma
            assert last / sigma < carry * (1 + 1e-9)

    @pytest.mark.parametrize("wrong", [(1.0, 1.0, 1.0), (1.0, 2.0, 1.0), (9.0, 0.0, 0.5)], ids=str)
    def test_what_makes_no_sense_is_refused(self, wrong):
        with pytest.raises(ValueError, match="Guidance is to be"):
            GuidancePlan(*wrong)

    @given(sigma=st.floats(0.01, 700), fallen=st.floats(1, 100))
    def test_a_difference_fades_as_sigma_falls(self, sigma, fallen):
        left = float(faded(torch.ones(1), sigma / fallen, sigma))
        assert 1 / fallen - 1e-5 <= left <= 1 + 1e-5
