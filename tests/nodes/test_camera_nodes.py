"""The camera nodes, by their own functions."""

from __future__ import annotations

import json

import pytest
import torch
from svd_studio.sampling.camera import MOVES, Pose, straight
from svd_studio.sampling.camera_json import from_json
from svd_studio.sampling.camera_limits import NOTHING_TO_WARN_OF
from svd_studio.sampling.camera_presets import PRESETS
from svd_studio.sampling.easing import Ease

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

PAN = straight(Pose(pan=8), Ease.LINEAR)
TILT = straight(Pose(tilt=4), Ease.LINEAR)


@pytest.fixture
def run(core):
    """Run a node with its defaults, except for the inputs given by name: its outputs."""
    from svd_studio.nodes import (
        camera,
        camera_combine,
        camera_from_video,
        camera_preview,
    )

    nodes = {
        node.GET_SCHEMA().node_id: node
        for module in (camera, camera_combine, camera_from_video, camera_preview)
        for node in module.NODES
    }

    def run(name, **inputs):
        node = nodes[f"SVDStudio{name}"]
        defaults = {
            i.id: i.default
            for i in node.GET_SCHEMA().inputs
            if getattr(i, "default", None) is not None
        }
        return node.execute(**defaults | inputs).args

    return run


def pans(path, frames=5):
    return [round(pose.pan, 6) for pose in path.poses(frames)]


def test_a_move_is_its_preset(run):
    path, text = run("CameraMove", preset="pan right", amount=0.5, ease="linear")
    assert pans(path) == [0, 1, 2, 3, 4]
    assert from_json(text) == path


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_offered_and_survives_as_text(run, preset):
    path, text = run("CameraMove", preset=preset, shake_degrees=0.2, shake_seed=5)
    assert from_json(text) == path
    assert path.shake.seed == 5


def test_the_example_of_the_keyframes_node_is_a_path(run):
    (path,) = run("CameraKeyframes")
    assert len(path.keyframes) == 3


def test_text_of_one_node_is_read_by_the_other(run):
    path, text = run("CameraMove", preset="dolly zoom", fov=35.0, shake_degrees=0.3)
    assert run("CameraKeyframes", keyframes=text) == (path,)


def test_bad_text_says_where_it_is_wrong(run):
    with pytest.raises(ValueError, match="line 1, column 16"):
        run("CameraKeyframes", keyframes='{"keyframes": [,]}')


@pytest.mark.parametrize(
    ("operation", "numbers", "expected"),
    [
        ("one after the other", {"share": 0.25}, [0, 8, 8, 8, 8]),
        ("together", {}, [0, 2, 4, 6, 8]),
        ("reverse", {}, [0, -2, -4, -6, -8]),
        ("change speed", {"factor": 0.5}, [0, 1, 2, 3, 4]),
        ("change speed", {"factor": 2.0}, [0, 4, 8, 8, 8]),
        ("scale", {"factor": -0.5}, [0, -1, -2, -3, -4]),
        ("there and back", {}, [0, 4, 8, 4, 0]),
        ("there and back", {"times": 2}, [0, 8, 0, 8, 0]),
        ("part", {"start": 0.5, "end": 1.0}, [0, 1, 2, 3, 4]),
        ("hold", {"start": 0.25, "end": 0.75}, [0, 0, 4, 8, 8]),
    ],
)
def test_paths_are_combined(run, operation, numbers, expected):
    path, text = run("CameraCombine", camera_1=PAN, operation=operation, camera_2=TILT, **numbers)
    assert pans(path) == expected
    assert from_json(text) == path


def test_both_paths_are_in_the_result(run):
    for operation in ("one after the other", "together"):
        path, _ = run("CameraCombine", camera_1=PAN, camera_2=TILT, operation=operation)
        end = path.pose_at(1.0)
        assert [getattr(end, move) for move in MOVES] == pytest.approx([8, 4, 0, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("operation", ["one after the other", "together"])
def test_two_paths_are_asked_for(run, operation):
    with pytest.raises(ValueError, match="camera_2 is not connected"):
        run("CameraCombine", camera_1=PAN, operation=operation)


def test_the_preview_shows_the_picture_go_the_other_way(run, photograph):
    preview, plot, warnings = run(
        "CameraPreview", image=photograph, camera=straight(Pose(truck=0.25)), frames=3, width=128
    )
    assert preview.shape == (3, 64, 128, 3)
    assert torch.equal(preview[0], photograph[0])
    moved = round(0.25 * 128 * 0.5 / torch.tan(torch.tensor(50.0).deg2rad() / 2).item())
    kept = preview[2, :, : 128 - moved - 2]
    assert (kept - photograph[0, :, moved:126]).abs().max() < 0.03
    hatched = preview[2, :, 128 - moved + 2 :]
    assert hatched.mean() < 0.5 * photograph.mean()
    assert plot.shape == (1, 540, 1200, 3)
    assert warnings == NOTHING_TO_WARN_OF


def test_the_preview_of_a_still_camera_is_the_picture(run, photograph):
    preview, *_ = run("CameraPreview", image=photograph, camera=PAN.scaled(0), frames=2, width=128)
    assert (preview - photograph).abs().max() < 1e-5


def test_the_preview_warns(run, photograph):
    *_, warnings = run("CameraPreview", image=photograph, camera=PAN.scaled(5), frames=3)
    assert "3 clips" in warnings
    assert "method refine" in warnings


def test_the_preview_uses_depth(run, photograph):
    nearer = torch.linspace(0, 1, 128)[None, None, :, None].expand(1, 64, 128, 3)
    inputs = {"image": photograph, "frames": 2, "width": 128, "camera": straight(Pose(truck=0.1))}
    flat, *_ = run("CameraPreview", **inputs)
    deep, *_ = run("CameraPreview", **inputs, depth=nearer)
    assert (flat[1] - deep[1]).abs().mean() > 0.005


def test_the_preview_can_have_the_film_s_proportions(run, photograph):
    preview, *_ = run("CameraPreview", image=photograph, camera=PAN, frames=2, width=96, height=96)
    assert preview.shape == (2, 96, 96, 3)


def test_every_input_and_output_is_explained(core):
    from svd_studio.nodes import (
        camera,
        camera_combine,
        camera_from_video,
        camera_preview,
    )

    for module in (camera, camera_combine, camera_from_video, camera_preview):
        for node in module.NODES:
            schema = node.GET_SCHEMA()
            assert schema.description
            assert all(one.tooltip for one in schema.inputs)
            json.dumps(node.GET_NODE_INFO_V1())


@pytest.fixture(scope="module")
def textured():
    """(1, 432, 768, 3): blots of many sizes, which an estimate can hold on to."""
    noise = torch.Generator().manual_seed(3)
    picture = torch.zeros(1, 3, 432, 768)
    for side in (6, 12, 24, 48):
        blots = torch.rand(1, 3, side * 9 // 16 + 1, side, generator=noise)
        picture += torch.nn.functional.interpolate(blots, (432, 768), mode="bicubic") / 4
    return picture.clamp(0, 1).movedim(1, -1)


def test_a_move_is_copied_from_a_clip(run, textured):
    path, _ = run("CameraMove", preset="pan right", amount=0.6, ease="linear")
    clip, *_ = run("CameraPreview", image=textured, camera=path, frames=5, width=192)
    copied, report = run("CameraFromVideo", images=clip, smoothing=0.0)
    assert [pose.pan for pose in copied.poses(5)] == pytest.approx([0, 1.2, 2.4, 3.6, 4.8], abs=0.4)
    assert "5 frames" in report


def test_one_frame_is_no_clip(run, textured):
    with pytest.raises(ValueError, match="at least 2 frames"):
        run("CameraFromVideo", images=textured)
