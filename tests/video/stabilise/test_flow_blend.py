"""Blending along the flow on films whose truth is known."""

from __future__ import annotations

import pytest
import torch
from svd_studio.video.stabilise.step import Stabilise

from ..pulls import through


def drifting(count: int, height: int = 96, width: int = 128, step: int = 2) -> torch.Tensor:
    """A soft texture that moves `step` pixels a frame to the left."""
    random = torch.Generator().manual_seed(5)
    soft = torch.rand(1, 3, 14, 30, generator=random)
    wide = torch.nn.functional.interpolate(soft, (height, width + step * count), mode="bicubic")
    frames = [wide[0, :, :, step * n : step * n + width] for n in range(count)]
    return torch.stack(frames).movedim(1, -1).clamp(0, 1).contiguous()


def noisy(frames: torch.Tensor) -> torch.Tensor:
    random = torch.Generator().manual_seed(6)
    return (frames + 0.03 * torch.randn(frames.shape, generator=random)).clamp(0, 1)


def error(frames, truth) -> float:
    return float((torch.stack(list(frames)) - truth).square().mean().sqrt())


def test_noise_on_a_moving_picture_gets_less():
    truth = drifting(9)
    before = noisy(truth)
    after = through(Stabilise(1.0), before)
    assert error(after, truth) < 0.6 * error(before, truth)


def test_a_cut_is_not_bled_over():
    first, second = drifting(4), 1 - drifting(4).flip(1)
    film = torch.cat([first, second])
    across, apart = (
        through(Stabilise(1.0), film),
        through(Stabilise(1.0), first) + through(Stabilise(1.0), second),
    )
    leaked = (torch.stack(across) - torch.stack(apart)).abs()
    assert leaked.mean() < 0.01


def test_a_thing_that_appears_for_one_frame_leaves_no_ghost():
    truth = drifting(7, step=0)
    film = truth.clone()
    film[3, 30:60, 40:80] = torch.tensor([1.0, 0.0, 0.0])
    after = through(Stabilise(1.0), film)
    ghost = (torch.stack(after[:3] + after[4:]) - truth[[0, 1, 2, 4, 5, 6]]).abs()
    assert ghost.max() < 0.1
    assert (after[3][35:55, 45:75] - film[3, 35:55, 45:75]).abs().max() < 0.1


def test_one_frame_comes_back_as_it_is():
    frame = drifting(1)
    torch.testing.assert_close(through(Stabilise(1.0), frame)[0], frame[0])


def test_what_is_transparent_gives_no_colour():
    frames = torch.full((3, 40, 40, 4), 0.5)
    frames[[0, 2], ..., :3] = 0.52
    frames[[0, 2], ..., 3] = 0
    frames[1, ..., 3] = 1
    middle = through(Stabilise(1.0), frames)[1]
    torch.testing.assert_close(middle, frames[1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_the_kind_of_numbers_stays(dtype):
    assert through(Stabilise(1.0), drifting(2).to(dtype))[0].dtype == dtype


def test_frames_blended_in_pieces_are_as_in_one(monkeypatch):
    frames = noisy(drifting(4, height=101))
    whole = through(Stabilise(1.0), frames)
    monkeypatch.setattr("svd_studio.video.stabilise.flow_blend.ROWS", 16)
    pieces = through(Stabilise(1.0), frames)
    torch.testing.assert_close(torch.stack(pieces), torch.stack(whole), atol=1e-6, rtol=0)
