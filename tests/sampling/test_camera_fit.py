from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.sampling.camera import CameraPath, Ease, Keyframe, Pose, straight
from svd_studio.sampling.camera_fit import FITTED, fit_path, smooth
from svd_studio.sampling.camera_presets import make
from svd_studio.sampling.shake import Shake
from svd_studio.sampling.view import homographies

WIDE = 9 / 16
TURNS = st.builds(
    Pose,
    pan=st.floats(-25, 25),
    tilt=st.floats(-20, 20),
    roll=st.floats(-40, 40),
    zoom=st.floats(0.6, 1.7),
)


def numbers(pose):
    return [getattr(pose, move) for move in FITTED]


def fitted(path, frames=8, smoothing=0.0, fov=None):
    return fit_path(homographies(path, frames), WIDE, fov or path.fov, smoothing)


@settings(max_examples=25)
@given(pose=TURNS, fov=st.sampled_from([20.0, 50.0, 90.0]))
def test_turns_and_zooms_are_found_again(pose, fov):
    path = straight(pose, fov=fov)
    found = fitted(path)
    for expected, seen in zip(path.poses(8), found.path.poses(8), strict=True):
        assert numbers(seen) == pytest.approx(numbers(expected), abs=1e-6)
    assert found.error < 1e-8


def test_a_hand_is_copied():
    path = make("pan right", shake=Shake(0.5, 3, 9))
    found = fitted(path, 14)
    assert numbers(found.path.pose_at(5 / 13)) == pytest.approx(numbers(path.pose_at(5 / 13)))


def test_smoothing_calms_a_hand_and_keeps_the_move():
    path = make("pan right", ease=Ease.LINEAR, shake=Shake(0.5, 8, 9))
    rough, calm = fitted(path, 25).path, fitted(path, 25, smoothing=3.0).path
    unrest = []
    for one in (rough, calm):
        tilts = torch.tensor([pose.tilt for pose in one.poses(25)])
        unrest.append(tilts.diff(n=2).abs().mean())
    assert unrest[1] < 0.3 * unrest[0]
    assert calm.pose_at(1).pan == pytest.approx(8, abs=1)


@given(frames=st.floats(0, 9), count=st.integers(2, 30))
def test_smoothing_leaves_a_steady_move_as_it_is(frames, count):
    steady = [Pose(pan=0.5 * i, zoom=1.02**i) for i in range(count)]
    for expected, seen in zip(steady, smooth(steady, frames), strict=True):
        assert numbers(seen) == pytest.approx(numbers(expected), abs=1e-9)


def test_a_move_of_the_camera_is_read_as_turns_and_zooms():
    found = fitted(straight(Pose(truck=0.1, dolly=0.1)))
    end = found.path.pose_at(1)
    assert end.pan > 4
    assert end.zoom == pytest.approx(1 / 0.9, rel=0.02)
    assert "explained to" in found.describe()


def test_shifts_without_perspective_are_read_as_a_pan():
    shift = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    shift[1, 0, 2] = -0.15
    end = fit_path(shift, WIDE, 50, 0).path.pose_at(1)
    assert end.pan == pytest.approx(8, abs=0.7)
    assert abs(end.tilt) < 1e-6


def test_what_turning_cannot_explain_is_reported():
    stretched = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    stretched[1, 0, 0] = 1.3
    found = fit_path(stretched, WIDE, 50, 0)
    assert found.error > 0.02
    assert "did more than turn and zoom" in found.describe()


def test_there_is_a_keyframe_for_every_frame():
    path = fitted(straight(Pose(pan=8), Ease.LINEAR), 5).path
    assert [keyframe.time for keyframe in path.keyframes] == [0, 0.25, 0.5, 0.75, 1]
    assert path.pose_at(0.125).pan == pytest.approx(1)


def still_and(number):
    matrices = torch.eye(3).repeat(2, 1, 1)
    matrices[1] = number
    return matrices


@pytest.mark.parametrize(
    ("make_it", "words"),
    [
        (lambda: fit_path(torch.eye(3)[None], WIDE, 50, 0), "The clip has 1 frame"),
        (lambda: fit_path(still_and(torch.nan), WIDE, 50, 0), "could not be measured"),
        (lambda: fit_path(torch.eye(3).repeat(2, 1, 1), WIDE, 50, -1), "smoothing is -1"),
        (
            lambda: fit_path(torch.diag(torch.tensor([20.0, 20, 1])).repeat(2, 1, 1), WIDE, 50, 0),
            "Frame 2 is too far from the first: zoom is",
        ),
    ],
)
def test_what_cannot_be_is_refused(make_it, words):
    with pytest.raises(ValueError, match=words):
        make_it()


def test_a_fitted_path_can_wait():
    path = CameraPath((Keyframe(0.5), Keyframe(1, Pose(pan=8))))
    assert fitted(path, 9).path.pose_at(0.5).pan == pytest.approx(0, abs=1e-9)
