"""The text of a path, and the golden file that Python and JavaScript both have to agree with.

A change of the golden file is meant to be seen: run with UPDATE_GOLDEN=1 to accept it.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from svd_studio.sampling.camera import MOVES, CameraPath, Keyframe, Pose, still, straight
from svd_studio.sampling.camera_json import EXAMPLE, from_json, to_json
from svd_studio.sampling.camera_moves import chain, loop, together
from svd_studio.sampling.camera_presets import PRESETS, make
from svd_studio.sampling.easing import Ease, Slopes
from svd_studio.sampling.shake import Shake
from svd_studio.sampling.view import homographies

from .camera_paths import paths

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "camera_paths.json"
DOCUMENTATION = GOLDEN.parents[2] / "docs" / "camera.md"
ALL_MOVES = Pose(pan=6, tilt=-4, roll=3, zoom=1.2, truck=0.1, pedestal=-0.1, dolly=0.2, orbit=5)
ONE_MOVE = {
    "pan": 8, "tilt": 8, "roll": 6, "zoom": 1.2, "truck": 0.2, "pedestal": 0.2, "dolly": 0.2,
    "orbit": 10,
}  # fmt: skip


def golden_paths():
    """By name, what a reader of the format can get wrong."""
    yield "still", still()
    for move, value in ONE_MOVE.items():
        yield move, straight(Pose(**{move: value}))
        yield f"{move}, the other way", straight(Pose(**{move: value}).scaled(-1))
    for ease in Ease:
        yield f"all moves, {ease.value}", straight(ALL_MOVES, ease)
    yield "all moves, slopes", CameraPath((Keyframe(0), Keyframe(1, ALL_MOVES, Slopes(0.5, 1.5))))
    yield "a wide lens", straight(ALL_MOVES, fov=90)
    yield (
        "keyframes, waiting before and after",
        CameraPath(
            (
                Keyframe(0.2, Pose(pan=2, zoom=0.9)),
                Keyframe(0.5, Pose(pan=8, tilt=3), Ease.IN),
                Keyframe(0.55, Pose(pan=8, orbit=-6, dolly=0.1), Ease.JUMP),
                Keyframe(0.8, Pose(roll=-5, truck=0.1), Ease.OUT),
            )
        ),
    )
    shaken = replace(still(), shake=Shake(0.4, 2, 7))
    yield "shake", shaken
    yield "shake, largest seed", replace(still(), shake=Shake(1.5, 3.3, 2**32 - 1))
    yield "shake in a loop", loop(shaken)
    yield "layers", together(straight(Pose(pan=8)), straight(Pose(tilt=4), Ease.LINEAR))
    yield "a chain of shaken moves", chain(make("pan right", shake=Shake(0.4, seed=1)), shaken, 0.4)
    for name in PRESETS:
        yield f"preset {name}", make(name)


def described(name, path, num_frames=5):
    return {
        "name": name,
        "path": json.loads(to_json(path)),
        "num_frames": num_frames,
        "poses": [
            [round(getattr(pose, move), 9) + 0.0 for move in MOVES]
            for pose in path.poses(num_frames)
        ],
        "homographies": [
            [round(number, 9) + 0.0 for number in matrix.flatten().tolist()]
            for matrix in homographies(path, num_frames)
        ],
    }


@pytest.fixture(scope="module")
def golden():
    if os.environ.get("UPDATE_GOLDEN") == "1":
        cases = [json.dumps(described(*case)) for case in golden_paths()]
        moves = json.dumps(list(MOVES))
        GOLDEN.write_text(f'{{"moves": {moves}, "cases": [\n' + ",\n".join(cases) + "\n]}\n")
    return json.loads(GOLDEN.read_text())


def test_the_golden_file_has_all_cases(golden):
    assert golden["moves"] == list(MOVES)
    assert [case["name"] for case in golden["cases"]] == [name for name, _ in golden_paths()]


def test_paths_are_written_as_in_the_golden_file(golden):
    written = [json.loads(to_json(path)) for _, path in golden_paths()]
    assert written == [case["path"] for case in golden["cases"]]


def test_paths_are_read_as_in_the_golden_file(golden):
    for case in golden["cases"]:
        path = from_json(json.dumps(case["path"]))
        found = described(case["name"], path, case["num_frames"])
        for key in ("poses", "homographies"):
            for row, expected in zip(found[key], case[key], strict=True):
                assert row == pytest.approx(expected, abs=2e-9), case["name"]


@settings(max_examples=50)
@given(path=paths())
def test_a_path_survives_being_written_and_read(path):
    assert from_json(to_json(path)) == path


@settings(max_examples=50)
@given(path=paths())
def test_a_path_survives_being_rewritten_by_another_program(path):
    assert from_json(json.dumps(json.loads(to_json(path)))) == path


def test_the_text_is_short_and_readable():
    path = replace(straight(Pose(pan=8), Ease.LINEAR), shake=Shake(0.4, 2, 7))
    assert to_json(path) == (
        '{"version": 1, "fov": 50, "keyframes": [\n'
        '  {"time": 0},\n'
        '  {"time": 1, "pan": 8, "ease": "linear"}\n'
        '], "shake": {"degrees": 0.4, "seed": 7}}'
    )


def test_what_is_left_out_is_neutral():
    assert from_json('{"keyframes": [{"time": 0}]}') == still()
    assert from_json(EXAMPLE) == straight(Pose(pan=8))


def test_the_documentation_s_example_is_a_path():
    text = DOCUMENTATION.read_text()
    example = text[text.index("```json") + len("```json") :]
    assert len(from_json(example[: example.index("```")]).keyframes) == 3


def test_null_is_no_shake():
    assert from_json('{"keyframes": [{"time": 0}], "shake": null}') == still()


def with_keyframe(text):
    return f'{{"keyframes": [{{"time": 0}}, {text}]}}'


def with_shake(text):
    return f'{{"keyframes": [{{"time": 0}}], "shake": {text}}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The camera path is empty: write at least {"),
        (" \n ", "The camera path is empty"),
        ("pan right", "not valid JSON at line 1, column 1: expecting value"),
        ('{"keyframes": [\n  {"time": 0},\n  {"time": 1 "pan": 8}\n]}', "line 3, column 14"),
        ('{"keyframes": [{"time": 0}]', "not valid JSON at line 1, column 28"),
        ("{'keyframes': []}", 'property name in double quotes ("...")'),
        ('{"keyframes": [\n{"time": NaN}]}', "has NaN at line 2, column 10: use a finite number"),
        (with_keyframe('{"time": 1, "pan": -Infinity}'), "has -Infinity at line 1, column"),
        (with_keyframe('{"time": 1, "pan": 1e999}'), "Keyframe 2 has pan inf"),
        (with_keyframe('{"time": 1, "pan": 1' + "0" * 5000 + "}"), "Keyframe 2 has pan inf"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "The camera path is []; expected {"),
        ("3", "The camera path is 3; expected {"),
        ("{}", "The camera path has no keyframes"),
        ('{"keyframes": []}', "The camera path has no keyframes"),
        ('{"keyframes": {}}', "The path has keyframes {}; expected a list"),
        ('{"keyframes": [3]}', "Keyframe 1 is 3; expected {"),
        ('{"version": 2, "keyframes": [{"time": 0}]}', "version 2; this pack reads version 1"),
        ('{"version": "1", "keyframes": [{"time": 0}]}', 'version "1"; this pack reads'),
        ('{"version": true, "keyframes": [{"time": 0}]}', "version true"),
        ('{"keyframe": []}', 'unknown field "keyframe" (did you mean "keyframes"?)'),
        (with_keyframe('{"time": 1, "Pan": 8}'), 'Keyframe 2 has the unknown field "Pan" (did'),
        (with_keyframe('{"time": 1, "xyz": 8}'), 'field "xyz". It can have time, pan, tilt'),
        (with_keyframe('{"pan": 8}'), "Keyframe 2 has no time: give 0 (first frame) to 1"),
        (with_keyframe('{"time": 1, "pan": "8"}'), 'Keyframe 2 has pan "8"; expected a number'),
        (with_keyframe('{"time": 1, "pan": true}'), "Keyframe 2 has pan true; expected a number"),
        (with_keyframe('{"time": 1, "pan": null}'), "Keyframe 2 has pan null; expected a number"),
        (with_keyframe('{"time": 1, "pan": 120}'), "Keyframe 2: pan is 120 degrees"),
        (with_keyframe('{"time": 1, "pan": 1, "pan": 2}'), '"pan" twice in one object'),
        (with_keyframe('{"time": 1, "ease": "easein"}'), 'ease is "easein" (did you mean "ease in'),
        (with_keyframe('{"time": 1, "ease": 3}'), "ease is 3: use one of linear, ease in"),
        (with_keyframe('{"time": 1, "ease": [1]}'), "has ease [1]; expected two numbers"),
        (with_keyframe('{"time": 1, "ease": [9, 9]}'), "Keyframe 2: An ease with slopes 9 and 9"),
        (with_keyframe('{"time": 0}'), "Keyframe 2 is at time 0, not after 0"),
        (with_keyframe('{"time": 25}'), "the path is longer than the clip"),
        (with_keyframe('{"time": -0.5}'), "Keyframe 2 is at time -0.5: use 0 to 1"),
        ('{"fov": "wide", "keyframes": [{"time": 0}]}', 'The camera path has fov "wide"'),
        ('{"fov": 0, "keyframes": [{"time": 0}]}', "fov is 0 degrees: use 1 to 150"),
        (with_shake("true"), "The shake is true; expected {"),
        (with_shake('{"degree": 1}'), 'The shake has the unknown field "degree" (did you mean'),
        (with_shake('{"degrees": 99}'), "Shake of 99 degrees"),
        (with_shake('{"degrees": 1, "seed": 1.5}'), "The shake has seed 1.5: use a whole number"),
        (with_shake('{"degrees": 1, "seed": -1}'), "The shake's seed is -1: use 0 to"),
        (with_shake('{"degrees": 1, "closed": 1}'), "closed 1: use true or false"),
        (with_shake('{"degrees": 1, "during": 1}'), "during 1; expected two numbers"),
        ('{"keyframes": [{"time": 0}], "layers": 3}', "has layers 3; expected a list"),
        (
            '{"keyframes": [{"time": 0}], "layers": [{"keyframes": [{"time": "a"}]}]}',
            'Layer 1, keyframe 1 has time "a"',
        ),
        (
            '{"keyframes": [{"time": 0}], "layers": [{"keyframes": [{"time": 2}]}]}',
            "Layer 1, Keyframe 1 is at time 2",
        ),
        (
            '{"keyframes": [{"time": 0}], "layers": [{"fov": 3}]}',
            'Layer 1 has the unknown field "f',
        ),
    ],
)
def test_bad_text_is_refused_with_what_is_wrong(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        from_json(text)


@settings(max_examples=50)
@given(text=st.text() | st.text('{}[]":,.-0123456789eaNIntfru \\n'))
def test_any_text_is_read_or_refused(text):
    with suppress(ValueError):
        assert isinstance(from_json(text), CameraPath)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["time", "pan", "ease", "degrees", "seed"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=50)
@given(
    data=st.fixed_dictionaries(
        {"keyframes": JSON | st.lists(JSON, max_size=3)},
        optional={"version": JSON, "fov": JSON, "shake": JSON, "layers": JSON},
    )
)
def test_any_json_is_read_or_refused(data):
    with suppress(ValueError):
        assert isinstance(from_json(json.dumps(data)), CameraPath)
