"""What stabilising keeps, whichever way it is done."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stabilise.learned import LearnedStabiliser
from svd_studio.video.stabilise.step import Stabilise
from svd_studio.video.stabilise.tiles import Tiling
from svd_studio.video.stream import FrameStream

from ..pulls import assert_alpha_is_kept, assert_any_start_gives_the_tail, film, through


def mean(frames):
    """A network whose output is the mean of its input, and of two pixels beside it."""
    found = torch.stack(frames).mean(0)
    return (found + found.roll(1, -1) + found.roll(1, -2)) / 3


def learned(pixels=10**6, margin=1, **options):
    return LearnedStabiliser(mean, "mean", "abc", Tiling(pixels, margin, 1), **options)


WAYS = {"flow blend": None, "network": learned()}


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def network(request):
    return request.param


@settings(max_examples=12)
@given(
    count=st.integers(1, 9),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.sampled_from([3, 4]),
    way=st.sampled_from(list(WAYS)),
)
def test_any_start_gives_the_tail_of_the_whole(count, height, width, channels, way):
    step = Stabilise(0.8, WAYS[way])
    assert_any_start_gives_the_tail(step, film(count, height, width, channels))


@pytest.mark.parametrize("channels", [3, 4])
def test_without_strength_the_frames_are_the_very_same(network, channels):
    frames = film(3, 20, 30, channels)
    assert all(map(torch.equal, through(Stabilise(0.0, network), frames), frames))


def test_alpha_is_kept(network):
    assert_alpha_is_kept(Stabilise(1.0, network), film(4, 33, 41, 4))


def test_the_batch_it_reads_from_is_left_alone(network):
    frames = film(4, 33, 41)
    kept = frames.clone()
    through(Stabilise(1.0, network), frames)
    assert torch.equal(frames, kept)


def test_strength_lies_between_the_frame_and_its_neighbours(network):
    frames = film(7, 48, 64)
    moves = [
        (torch.stack(through(Stabilise(s, network), frames)) - frames).abs().mean()
        for s in (0.25, 0.5, 1.0)
    ]
    assert 0 < moves[0] < moves[1] < moves[2]


@pytest.mark.parametrize("strength", [-0.1, 1.5])
def test_another_strength_is_refused(strength):
    with pytest.raises(ValueError, match="0 to 1"):
        Stabilise(strength)


def test_what_changes_frames_changes_the_fingerprint():
    steps = [Stabilise(1.0), Stabilise(0.5), Stabilise(1.0, learned())]
    assert len({step.fingerprint() for step in steps}) == 3
    assert Stabilise(1.0).fingerprint() == Stabilise(1.0).fingerprint()


def test_tiles_change_nothing():
    frames = film(5, 45, 61)
    whole = through(Stabilise(1.0, learned()), frames)
    tiled = through(Stabilise(1.0, learned(pixels=200)), frames)
    # Rolling brings in the far edge, which the network of this test alone does.
    for a, b in zip(whole, tiled, strict=True):
        torch.testing.assert_close(a[1:, 1:], b[1:, 1:])


def test_the_network_is_given_the_frames_mirrored_at_both_ends():
    frames = torch.linspace(0, 1, 5).view(5, 1, 1, 1).expand(5, 8, 8, 3)
    first, *_, last = through(Stabilise(1.0, learned()), frames)
    assert first[4, 4, 0] == pytest.approx(frames[[3, 2, 1, 0, 1, 2, 3], 0, 0, 0].mean().item())
    assert last[4, 4, 0] == pytest.approx(frames[[1, 2, 3, 4, 3, 2, 1], 0, 0, 0].mean().item())


def test_the_network_is_made_ready_for_every_frame_and_not_before():
    asked = []

    def ready():
        asked.append(1)
        return torch.device("cpu")

    stream = FrameStream(ImageBatch(film(4, 16, 16))).then(Stabilise(1.0, learned(ready=ready)))
    pulled = stream.frames()
    assert not asked
    next(pulled)
    next(pulled)
    assert len(asked) == 2
