"""SVD Motion Report on clips that the camera nodes themselves make."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.camera import Ease, Pose, still, straight

pytestmark = pytest.mark.usefixtures("as_executed")


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """(1, 120, 200, 3) of soft blobs."""
    noise = torch.rand(1, 3, 15, 25, generator=torch.Generator().manual_seed(1))
    picture = torch.nn.functional.interpolate(noise, (120, 200), mode="bicubic")
    return picture.clamp(0, 1).movedim(1, -1)


def report_on(picture, path, asked):
    from svd_studio.nodes.camera_guide import guide_for
    from svd_studio.nodes.motion_report import SVDMotionReport
    from svd_studio.sampling.conditioning import FilmShape
    from svd_studio.sampling.framing import Fit

    guide = guide_for(picture, path, FilmShape(160, 96, 6), Fit.COVER, None)
    return SVDMotionReport.execute(guide.frames, asked, picture).args


@pytest.mark.parametrize("move", [{"pan": 4}, {"tilt": -3}, {"zoom": 1.15}, {"roll": 5}])
def test_a_film_that_obeys_is_said_to(picture, move):
    path = straight(Pose(**move), Ease.LINEAR)
    text, plot, camera_speed, _ = report_on(picture, path, path)
    assert "NOT as asked" not in text
    assert "R2 0.9" in text or "R2 1.0" in text
    assert plot.shape == (1, 640, 1200, 3)
    assert camera_speed > 0.1
    assert "first frame against the picture 100.0 dB" in text


def test_a_film_that_moves_when_it_should_not_is_said_to(picture):
    text, *_ = report_on(picture, straight(Pose(pan=4), Ease.LINEAR), still())
    assert "pan: content goes right" in text
    assert "NOT as asked" in text


def test_without_a_camera_it_says_what_it_sees(picture):
    text, _, camera_speed, _ = report_on(picture, still(), None)
    assert "asked" not in text
    assert camera_speed < 0.05
