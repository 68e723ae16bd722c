"""Each method does what its paper's equation says, and takes as many evaluations as it reports."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from svd_studio.sampling.camera import Ease, Pose, straight
from svd_studio.sampling.following import (
    DEFAULTS,
    Following,
    Method,
    clock_mask,
    refine,
    warp,
    warp_latents,
)
from svd_studio.sampling.sigmas import karras, make_sigmas
from svd_studio.sampling.view import focal_length, homographies


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(*shape: int) -> torch.Tensor:
    """Latents without detail finer than eight cells."""
    t, c, h, w = shape
    return F.interpolate(noise(t, c, h // 8, w // 8), (h, w), mode="bicubic")


class Counting:
    """A denoiser that counts its evaluations."""

    def __init__(self, denoise):
        self.denoise, self.count = denoise, 0

    def __call__(self, x, sigma):
        self.count += 1
        return self.denoise(x, sigma)


def silent(step, x0, x):
    """Nobody watches."""


def test_the_clock_holds_the_guide_above_its_end_and_frees_everything_below():
    free = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3)
    following = Following(Method.CLOCK, 75, 31)
    assert torch.equal(clock_mask(torch.tensor([32.0]), free, following), free)
    assert torch.equal(clock_mask(torch.tensor([31.0]), free, following), torch.ones_like(free))


def test_what_was_made_up_has_a_clock_of_its_own():
    free = torch.tensor([0.0, 1.0])
    following = Following(Method.CLOCK, 75, 1, holes_sigma=8)
    for sigma, expected in ((9.0, [0, 0]), (8.0, [0, 1]), (1.0, [1, 1])):
        mask = clock_mask(torch.tensor([sigma]), free, following)
        assert mask.tolist() == expected


def test_half_strength_frees_half_of_what_is_held():
    free = torch.tensor([0.0, 0.5, 1.0])
    mask = clock_mask(torch.tensor([50.0]), free, Following(Method.CLOCK, 75, 31, strength=0.5))
    assert torch.allclose(mask, torch.tensor([0.5, 0.75, 1.0]))


def test_the_defaults_are_the_papers_steps_over_the_same_schedule():
    fifty, twenty_five = (torch.cat([karras(n, 0.002, 700), torch.zeros(1)]) for n in (50, 25))
    assert DEFAULTS[Method.CLOCK].start_sigma == pytest.approx(float(fifty[16]), rel=0.02)
    assert DEFAULTS[Method.CLOCK].end_sigma == pytest.approx(float(fifty[21]), rel=0.02)
    assert DEFAULTS[Method.REFINE].end_sigma == pytest.approx(float(twenty_five[15]), rel=0.05)


@pytest.mark.parametrize(
    ("steps", "schedule"), [(25, "karras"), (10, "align-your-steps"), (4, "karras")]
)
def test_extra_evaluations_are_counted_on_the_schedule_that_is_run(steps, schedule):
    sigmas = make_sigmas(schedule, steps, 700, 0.002)
    held = int(((sigmas[:-1] > 4) & (sigmas[:-1] <= 75)).sum())
    assert DEFAULTS[Method.CLOCK].extra_evaluations(sigmas) == 0
    assert DEFAULTS[Method.REFINE].extra_evaluations(sigmas) == 2 * held
    assert DEFAULTS[Method.WARP].extra_evaluations(sigmas) <= 5


def test_refine_settles_what_is_free_and_keeps_what_is_known():
    """With a denoiser that knows the answer, the free half is the answer, the known the guide's."""
    answer, guide = noise(2, 4, 6, 8, seed=1), noise(2, 4, 6, 8, seed=2)
    free = (torch.arange(8) >= 4).float().expand(2, 1, 6, 8)
    denoise = Counting(lambda x, sigma: answer)
    sigmas = torch.tensor([75.0, 30, 10, 0])
    x = guide + 75 * noise(2, 4, 6, 8)
    x = refine(denoise, x, sigmas, torch.Generator().manual_seed(3), silent, guide, free, 3)
    assert torch.allclose(x[..., :4], guide[..., :4], atol=1e-5)
    assert torch.allclose(x[..., 4:], answer[..., 4:], atol=1e-5)
    assert denoise.count == 9


def test_refine_leaves_noise_of_the_last_sigma():
    guide = torch.zeros(2, 4, 16, 16)
    free = torch.zeros(2, 1, 16, 16)
    x = refine(
        lambda x, sigma: x, 75 * noise(2, 4, 16, 16), torch.tensor([75.0, 30, 10]),
        torch.Generator().manual_seed(3), silent, guide, free, 2,
    )  # fmt: skip
    assert float(x.std()) == pytest.approx(10, rel=0.05)


def test_warping_latents_by_whole_cells_shifts_them():
    latents = noise(2, 4, 6, 8)
    matrices = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    matrices[1, 0, 2] = 2 / 8
    moved = warp_latents(latents, matrices)
    assert torch.allclose(moved[0], latents[0], atol=1e-5)
    assert torch.allclose(moved[1, ..., 2:], latents[1, ..., :-2], atol=1e-5)


def test_the_warps_add_up_to_the_path():
    """A model without a will of its own: what it believes is what it is shown."""
    x = smooth(3, 4, 48, 64)
    path = straight(Pose(truck=0.125 / focal_length(50)), Ease.LINEAR)
    denoise = Counting(lambda x, sigma: x)
    result = warp(denoise, x, torch.tensor([100.0, 80, 60, 50, 40, 30, 20]), silent, path, 5)
    whole = warp_latents(x, homographies(path, 3))
    assert denoise.count == 6 + 5
    assert (result - whole)[..., :52].abs().mean() < 0.02
    assert (x - whole)[..., :52].abs().mean() > 0.2


def test_a_range_that_rises_is_refused():
    with pytest.raises(ValueError, match="start must be above the end"):
        Following(Method.CLOCK, 20, 31)
