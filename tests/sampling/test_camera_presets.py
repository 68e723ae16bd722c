from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from svd_studio.sampling.camera import MOVES, STILL
from svd_studio.sampling.camera_limits import warnings
from svd_studio.sampling.camera_presets import PRESETS, make
from svd_studio.sampling.easing import Ease
from svd_studio.sampling.shake import Shake
from svd_studio.sampling.view import extrinsics, intrinsics

ALL = pytest.mark.parametrize("name", PRESETS)
FRAMES = 25
DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs" / "camera.md"


def end(name, amount=1.0):
    return make(name, amount).poses(FRAMES)[-1]


def seen_at(point, pose, fov=50.0):
    """Where a point of the first camera's space is in the frame, and how large things are there."""
    rotation, centre = extrinsics(pose)
    x, y, depth = rotation @ (torch.tensor(point, dtype=torch.float64) - centre)
    focal = float(intrinsics(fov, pose.zoom)[0, 0])
    return focal * float(x / depth), focal * float(y / depth), focal / float(depth)


SUBJECT = (0.0, 0.0, 1.0)


@ALL
def test_every_preset_begins_with_the_picture(name):
    assert make(name).poses(FRAMES)[0] == STILL


@ALL
@pytest.mark.parametrize("aspect", [9 / 16, 1, 16 / 9], ids=["wide", "square", "tall"])
def test_every_preset_stays_within_what_svd_follows(name, aspect):
    """The dolly zoom does, but a flat picture does not show it."""
    expected = 1 if name == "dolly zoom" else 0
    assert len(warnings(make(name), 14, aspect)) == expected


@ALL
def test_no_amount_is_no_move(name):
    assert make(name, 0).is_still


@ALL
@pytest.mark.parametrize("ease", Ease, ids=lambda ease: ease.value)
def test_every_ease_ends_at_the_same_pose(name, ease):
    found, expected = make(name, 1, ease).poses(FRAMES)[-1], end(name)
    assert [getattr(found, m) for m in MOVES] == pytest.approx(
        [getattr(expected, m) for m in MOVES]
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("push in", "pull out"),
        ("zoom in", "zoom out"),
        ("pan right", "pan left"),
        ("tilt up", "tilt down"),
        ("truck right", "truck left"),
        ("pedestal up", "pedestal down"),
        ("crane up", "crane down"),
        ("orbit right", "orbit left"),
        ("roll clockwise", "roll counter-clockwise"),
    ],
)
def test_a_negative_amount_is_the_opposite_move(one, other):
    assert end(one, -1) == end(other)


@pytest.mark.parametrize(
    ("name", "move", "sign"),
    [
        ("push in", "dolly", 1),
        ("pan right", "pan", 1),
        ("tilt up", "tilt", 1),
        ("truck right", "truck", 1),
        ("pedestal up", "pedestal", 1),
        ("crane up", "pedestal", 1),
        ("orbit right", "orbit", 1),
        ("roll clockwise", "roll", 1),
    ],
)
def test_a_preset_goes_where_its_name_says(name, move, sign):
    assert getattr(end(name), move) * sign > 0
    assert getattr(end(name, 2), move) == pytest.approx(2 * getattr(end(name), move))


def test_zooming_in_is_a_longer_lens():
    assert end("zoom in").zoom == pytest.approx(1.2)
    assert end("zoom in", 2).zoom == pytest.approx(1.44)
    assert end("zoom out").zoom == pytest.approx(1 / 1.2)


@pytest.mark.parametrize("ease", [Ease.LINEAR, Ease.IN_OUT], ids=lambda ease: ease.value)
@pytest.mark.parametrize("amount", [1, -1], ids=["in", "out"])
def test_a_dolly_zoom_keeps_the_subject_s_size_all_the_way(amount, ease):
    sizes = [seen_at(SUBJECT, pose)[2] for pose in make("dolly zoom", amount, ease).poses(FRAMES)]
    assert sizes == pytest.approx([sizes[0]] * FRAMES, rel=2e-3)
    behind = [seen_at((0, 0, 3), pose)[2] for pose in make("dolly zoom", amount).poses(FRAMES)]
    assert (behind[-1] - behind[0]) * amount < 0


@pytest.mark.parametrize("name", ["crane up", "crane down", "orbit left", "orbit right"])
def test_moves_around_the_subject_keep_it_in_the_middle(name):
    for pose in make(name).poses(FRAMES):
        assert math.hypot(*seen_at(SUBJECT, pose)[:2]) < 2e-3


def test_the_documentation_lists_every_preset():
    rows = [f"| {name} | {preset.description} |" for name, preset in PRESETS.items()]
    assert "\n".join(rows) in DOCUMENTATION.read_text()


def test_any_move_can_be_shaken():
    shake = Shake(0.4, 3, 11)
    assert make("pan right", shake=shake).shake == shake
    assert make("pan right").shake is None


def test_handheld_only_shakes():
    path = make("handheld", 2, shake=Shake(0.1, 3, 11))
    assert path.shake == Shake(1.3, 3, 11)
    assert all(keyframe.pose == STILL for keyframe in path.keyframes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("swoosh",), '"swoosh" is no camera move: use one of static lock, push in'),
        (("pan right", math.nan), "The amount is nan"),
        (("zoom in", 5000), "The amount is 5000"),
        (("pan right", 12), "pan is 96 degrees"),
        (("push in", 7), "inside the subject"),
        (("dolly zoom", 5), "zoom is 0"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        make(*arguments)
