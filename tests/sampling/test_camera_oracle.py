"""What the editor's JavaScript is measured against is what the Python gives."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from svd_studio.sampling.camera_json import from_json
from svd_studio.sampling.camera_preview import preview_path
from svd_studio.sampling.easing import Ease, Slopes
from svd_studio.sampling.framing import Fit
from svd_studio.sampling.scene import lay_out
from svd_studio.sampling.view import homographies

ORACLE = Path(__file__).resolve().parents[1] / "js" / "camera_oracle.json"

PATHS = (
    '{"keyframes": [{"time": 0}, {"time": 1, "pan": 8}]}',
    '{"fov": 80, "keyframes": [{"time": 0.2, "tilt": 3, "zoom": 1.1}, {"time": 0.5, "tilt": -4, '
    '"roll": 6, "ease": "ease in"}, {"time": 0.9, "zoom": 0.8, "ease": [0.3, 2.5]}]}',
    '{"keyframes": [{"time": 0}, {"time": 0.5, "truck": 0.2, "pedestal": -0.1, "ease": "jump"}, '
    '{"time": 1, "dolly": 0.4, "orbit": 20, "pan": -7, "ease": "jump at once"}]}',
    '{"fov": 35, "keyframes": [{"time": 0, "pan": 2}, {"time": 1, "pan": 5, "orbit": -15, "tilt": '
    '4, "roll": -9, "truck": 0.1, "dolly": -0.2, "zoom": 1.3, "ease": "linear"}], "shake": '
    '{"degrees": 1.5, "cycles": 3.3, "seed": 4294967295}, "layers": [{"keyframes": [{"time": 0.1}, '
    '{"time": 0.6, "zoom": 1.2, "ease": "ease out"}], "shake": {"degrees": 0.7, "seed": 12, '
    '"closed": true, "during": [0.2, 0.9], "part": [0.8, 0.1]}}]}',
)
REFUSED = (
    "",
    "{",
    "[]",
    '{"keyframes": []}',
    '{"keyframes": [{"time": 0}], "speed": 2}',
    '{"version": 2, "keyframes": [{"time": 0}]}',
    '{"fov": 0.5, "keyframes": [{"time": 0}]}',
    '{"fov": null, "keyframes": [{"time": 0}]}',
    '{"keyframes": [{"pan": 3}]}',
    '{"keyframes": [{"time": 0, "time": 1}]}',
    '{"keyframes": [{"time": 0, "yaw": 1}]}',
    '{"keyframes": [{"time": 0, "pan": "8"}]}',
    '{"keyframes": [{"time": 0, "pan": 1e400}]}',
    '{"keyframes": [{"time": 0, "pan": true}]}',
    '{"keyframes": [{"time": 0.5}, {"time": 0.5}]}',
    '{"keyframes": [{"time": 0}, {"time": 1.1}]}',
    '{"keyframes": [{"time": 0, "pan": 90}]}',
    '{"keyframes": [{"time": 0, "pan": -60}, {"time": 1, "pan": 60}]}',
    '{"keyframes": [{"time": 0, "zoom": 0}]}',
    '{"keyframes": [{"time": 0, "dolly": 0.96}]}',
    '{"keyframes": [{"time": 0, "ease": "bounce"}]}',
    '{"keyframes": [{"time": 0, "ease": null}]}',
    '{"keyframes": [{"time": 0, "ease": [3.5, 3.5]}]}',
    '{"keyframes": [{"time": 0, "ease": [-1, 1]}]}',
    '{"keyframes": [{"time": 0}], "shake": {"degrees": 46}}',
    '{"keyframes": [{"time": 0}], "shake": {"degrees": 1, "seed": -1}}',
    '{"keyframes": [{"time": 0}], "shake": {"during": [0.5, 0.5]}}',
    '{"keyframes": [{"time": 0}], "shake": []}',
    '{"keyframes": [{"time": 0}], "layers": {}}',
    '{"keyframes": [{"time": 0}], "layers": [{"fov": 50, "keyframes": [{"time": 0}]}]}',
    '{"keyframes": [{"time": 0}, {"time": 1, "pan": 60}], "layers": '
    '[{"keyframes": [{"time": 0}, {"time": 1, "pan": 60}]}]}',
)
EASES = (*Ease, Slopes(0.3, 2.5), Slopes(3.0, 3.0))
LAYOUTS = (((200, 100), (160, 90)), ((100, 200), (160, 90)), ((150, 150), (90, 160)))
FILMED = '{"fov": 60, "keyframes": [{"time": 0}, {"time": 1, "pan": 14, "tilt": 6, "roll": 10}]}'


def table() -> dict:
    return {
        "paths": [case(text) for text in PATHS],
        "refused": REFUSED,
        "eases": [ease_case(ease) for ease in EASES],
        "layouts": [layout_case(*sizes, fit) for sizes in LAYOUTS for fit in Fit],
        "film": film(),
    }


def case(text):
    path = from_json(text)
    return {
        "text": text,
        "poses": [list(pose.__dict__.values()) for pose in path.poses(9)],
        "homographies": homographies(path, 9).flatten(1).tolist(),
    }


def ease_case(ease):
    part = ease.part(0.25, 0.7)
    return {
        "ease": shown(ease),
        "at": [ease.at(t / 8) for t in range(9)],
        "part": shown(part),
        "part_at": [part.at(t / 8) for t in range(9)],
    }


def shown(ease):
    return [ease.start, ease.end] if isinstance(ease, Slopes) else ease.value


def layout_case(picture, film, fit):
    """Where the known area of the scene lies, in frame widths from the frame's centre."""
    scene = lay_out(torch.zeros(1, picture[1], picture[0], 3), *film, fit)
    height, width = scene.pixels.shape[2:]
    left, top = -scene.left - scene.width / 2, -scene.top - scene.height / 2
    box = [value / film[0] for value in (left, top, width, height)]
    return {"picture": picture, "film": film, "fit": fit.value, "known": box}


def film():
    """The last of three frames of a smooth picture: seen, mirrored and hatched, in bytes.

    The picture has 2 column, 3 row and column + row as its colours.
    """
    row, column = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    picture = torch.stack([2 * column, 3 * row, column + row], dim=-1)[None] / 255
    frames = preview_path(picture, from_json(FILMED), 3, 96)
    return {
        "text": FILMED,
        "frame": (frames[-1, ::7, ::5] * 255).round().int().flatten().tolist(),
    }


def test_the_table_of_the_editor_is_what_the_python_gives():
    made = json.loads(json.dumps(table()))
    if os.environ.get("UPDATE_GOLDEN"):
        ORACLE.write_text(json.dumps(made) + "\n", encoding="utf-8")
    kept = json.loads(ORACLE.read_text(encoding="utf-8"))
    assert flat(made)[0] == flat(kept)[0]
    assert flat(made)[1] == pytest.approx(flat(kept)[1], abs=1e-6)


def flat(data):
    """Words and numbers of a tree, each in their order."""
    if isinstance(data, dict | list):
        parts = [flat(item) for item in (data.items() if isinstance(data, dict) else data)]
        return [w for part in parts for w in part[0]], [n for part in parts for n in part[1]]
    if isinstance(data, tuple):
        return [data[0], *flat(data[1])[0]], flat(data[1])[1]
    return ([data], []) if isinstance(data, str) else ([], [data])


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_editor_has_to_refuse_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        from_json(text)
