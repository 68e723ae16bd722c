"""The pull: progress, time left, cancel, and frames that are none."""

from __future__ import annotations

import math
import re
import threading
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from svd_studio.video.ahead import ahead
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import Clip, FrameStream

from .watched import Watched

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

FRAMES = torch.rand(9, 4, 6, 3, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def texts():
    """What is shown on nodes."""
    shown = []
    with patch("svd_studio.nodes.pull.show", lambda *told: shown.append(told)):
        yield shown


@pytest.fixture
def steps():
    """What core's progress bars were told."""
    import comfy.utils

    told = []

    def hook(value, total, preview, **_):
        told.append((value, total))

    before = comfy.utils.PROGRESS_BAR_HOOK
    comfy.utils.set_progress_bar_global_hook(hook)
    yield told
    comfy.utils.set_progress_bar_global_hook(before)


def pulled(source, start=0, **named):
    from svd_studio.nodes.pull import pull

    return pull(FrameStream(source), start, **named)


def test_a_pull_gives_the_frames_and_tells_how_far_it_is(texts, steps):
    source = Watched(FRAMES)
    found = list(pulled(source, 2, node_id="5"))
    assert all(map(torch.equal, found, FRAMES[2:]))
    assert (steps[0], steps[-1]) == ((3, 9), (9, 9))  # newer versions of core leave some out
    assert set(steps) <= {(number, 9) for number in range(3, 10)}
    assert {node_id for _, node_id in texts} == {"5"}
    assert re.fullmatch(r"frame 9 of 9, [\d.e+]+ fps", texts[-1][0])
    assert source.log == ["opened", "closed"]


def test_texts_come_twice_a_second_at_most(texts):
    from svd_studio.nodes import pull as module

    now = iter(np.arange(0, 1000, 0.2))
    with patch.object(module.time, "monotonic", lambda: float(next(now))):
        list(pulled(Watched(FRAMES.repeat(5, 1, 1, 1)), node_id="5"))
    assert len(texts) == math.ceil(45 / 3)
    assert texts[3][0] == "frame 12 of 45, 5 fps, 0:07 left"


def test_cancel_ends_a_pull_within_a_frame():
    import comfy.model_management as management

    source = Watched(FRAMES)
    frames = pulled(source)
    next(frames)
    management.interrupt_current_processing(True)
    with pytest.raises(management.InterruptProcessingException):
        next(frames)
    management.interrupt_current_processing(False)
    assert source.log == ["opened", "closed"]


def test_a_pull_that_is_left_closes_its_generators_and_threads():
    source = Watched(FRAMES)
    ahead_of = SimpleNamespace(
        clip=source.clip, frames=lambda start: ahead(source.frames(start), 0)
    )
    frames = pulled(ahead_of)
    next(frames)
    frames.close()
    assert source.log == ["opened", "closed"]
    assert not [thread for thread in threading.enumerate() if thread.name == "frames ahead"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_values_that_are_no_numbers_are_refused_by_frame(value):
    images = FRAMES.clone()
    images[4, 1, 2, 0] = value
    frames = pulled(ImageBatch(images))
    assert len([next(frames) for _ in range(4)]) == 4
    with pytest.raises(ValueError, match="Frame 4 "):
        next(frames)


def test_large_values_in_half_precision_are_numbers():
    images = torch.full((1, 600, 600, 3), 1.0).half()
    assert len(list(pulled(ImageBatch(images)))) == 1


def test_a_film_that_ends_early_is_named():
    source = Watched(FRAMES)
    short = SimpleNamespace(clip=Clip(12, 4, 6), frames=source.frames)
    with pytest.raises(ValueError, match="after 9 of its 12"):
        list(pulled(short))


@pytest.mark.parametrize(("seconds", "text"), [(6.6, "0:07"), (754, "12:34"), (3723, "1:02:03")])
def test_time_left_reads_as_a_clock(seconds, text):
    from svd_studio.nodes.pull import clock

    assert clock(seconds) == text
