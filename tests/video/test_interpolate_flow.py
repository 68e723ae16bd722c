"""Flow without weights: things are where they are at that time, and hidden ones are not smeared."""

import pytest
import torch
from svd_studio.video.interpolate.flow import FlowInterpolator, both_flows, trust

from .pulls import film


def draw(first, second, *times, side=1280):
    flow = FlowInterpolator(side)
    sides = (flow.prepare(frame.movedim(-1, 0)[None]) for frame in (first, second))
    return [frame[0].movedim(0, -1) for frame in flow.between(*sides, times)]


def error(frame, other, border=8):
    inside = slice(border, -border)
    return float((frame - other)[inside, inside].pow(2).mean())


@pytest.fixture
def drifting():
    """Frames of a soft pattern that moves by a pixel down and right from each to the next."""
    return film(9, 96, 128)


@pytest.mark.parametrize("at", [1, 2, 4, 6, 7])
def test_a_drift_is_drawn_at_its_time_better_than_blending(drifting, at):
    (drawn,) = draw(drifting[0], drifting[8], at / 8)
    blend = torch.lerp(drifting[0], drifting[8], at / 8)
    assert error(drawn, drifting[at]) < error(blend, drifting[at]) / 2


def test_the_ends_are_approached(drifting):
    near = draw(drifting[0], drifting[8], 0.001, 0.999)
    assert error(near[0], drifting[0]) < 1e-4
    assert error(near[1], drifting[8]) < 1e-4


def test_a_still_picture_stays(drifting):
    (drawn,) = draw(drifting[0], drifting[0], 0.5)
    assert (drawn - drifting[0]).abs().max() < 0.02


def test_flow_is_found_in_reduced_frames_too(drifting):
    (drawn,) = draw(drifting[0], drifting[8], 0.5, side=64)
    blend = torch.lerp(drifting[0], drifting[8], 0.5)
    assert error(drawn, drifting[4]) < error(blend, drifting[4]) / 2


def test_what_the_other_frame_does_not_show_is_not_trusted():
    scene = film(1, 96, 160, seed=3)[0]
    thing = film(1, 96, 160, seed=4)[0, 30:62, :32]
    frames = [scene.clone(), scene.clone()]
    for frame, left in zip(frames, (40, 56), strict=True):
        frame[30:62, left : left + 32] = thing
    greys = [(frame.mean(-1) * 255).byte().numpy() for frame in frames]
    there, back = both_flows(*greys)
    seen = trust(there, back)
    hidden = seen[36:56, 76:86].mean()  # behind the thing, in the second frame
    assert seen[5:25].mean() > 0.8
    assert hidden < 0.5
