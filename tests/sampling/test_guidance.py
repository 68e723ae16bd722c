from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.guidance import PRESETS, FrameGuidance, GuidanceShape
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
