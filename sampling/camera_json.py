"""A camera path as JSON text, which a person or the editor writes.

    {"version": 1, "fov": 50, "keyframes": [{"time": 0}, {"time": 1, "pan": 8}]}

`docs/camera.md` describes every field. What is left out is neutral.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from .camera import DEFAULT_FOV, MOVES, STILL, CameraPath, Keyframe, Pose
from .easing import Ease, Slopes
from .shake import Shake

VERSION = 1
EXAMPLE = '{"version": 1, "keyframes": [{"time": 0}, {"time": 1, "pan": 8}]}'
LAYER_FIELDS = ("keyframes", "shake")
PATH_FIELDS = ("version", "fov", *LAYER_FIELDS, "layers")
KEYFRAME_FIELDS = ("time", *MOVES, "ease")
SHAKE_FIELDS = ("degrees", "cycles", "seed", "closed", "during", "part")

# A string, or a word that Python's JSON takes for a number and nobody else does.
STRING_OR_NOT_A_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')


def to_json(path: CameraPath) -> str:
    """The text of `path`, a keyframe a line; `from_json` gives the same path back."""
    parts = [f'"version": {VERSION}', f'"fov": {_text(path.fov)}', *_layer_parts(path)]
    if path.layers:
        layers = ",\n".join("{" + ", ".join(_layer_parts(layer)) + "}" for layer in path.layers)
        parts.append(f'"layers": [\n{layers}\n]')
    return "{" + ", ".join(parts) + "}"


def _layer_parts(path: CameraPath) -> list[str]:
    lines = ",\n".join(f"  {_text(_of_keyframe(keyframe))}" for keyframe in path.keyframes)
    shake = [f'"shake": {_text(_of_shake(path.shake))}'] if path.shake else []
    return [f'"keyframes": [\n{lines}\n]', *shake]


def _of_keyframe(keyframe: Keyframe) -> dict[str, Any]:
    moves = {name: getattr(keyframe.pose, name) for name in MOVES}
    kept = {name: value for name, value in moves.items() if value != getattr(STILL, name)}
    data = {"time": keyframe.time} | kept
    if isinstance(keyframe.ease, Slopes):
        return data | {"ease": [keyframe.ease.start, keyframe.ease.end]}
    return data if keyframe.ease is Ease.IN_OUT else data | {"ease": keyframe.ease.value}


def _of_shake(shake: Shake) -> dict[str, Any]:
    neutral = Shake(shake.degrees)
    values = {name: getattr(shake, name) for name in SHAKE_FIELDS}
    return {
        name: value
        for name, value in values.items()
        if name == "degrees" or value != getattr(neutral, name)
    }


def _text(value: Any) -> str:  # noqa: ANN401 - anything that JSON knows
    """Whole numbers without a point, as JavaScript writes them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{name}": {_text(item)}' for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return json.dumps(value)


def from_json(text: str) -> CameraPath:
    """The path that `text` describes.

    Raises ValueError, with line and column where the JSON itself is wrong, and with the keyframe
    and field where a value is.
    """
    data = _require_object(_parse(text), "The camera path", EXAMPLE)
    _require_known(data, PATH_FIELDS, "The camera path")
    version = data.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise ValueError(
            f"The camera path has version {_shown(version)}; this pack reads version {VERSION}. "
            "Update the pack, or write the path anew."
        )
    fov = _number(data, "fov", "The camera path", DEFAULT_FOV)
    layers = []
    for number, layer in enumerate(_list(data, "layers", "The camera path"), 1):
        where = f"Layer {number}"
        _require_known(_require_object(layer, where, "an object"), LAYER_FIELDS, where)
        layers.append(_read_layer(layer, fov, f"{where}, "))
    return _read_layer(data, fov, "", tuple(layers))


def _parse(text: str) -> object:
    if not text.strip():
        raise ValueError(f"The camera path is empty: write at least {EXAMPLE}")
    for match in STRING_OR_NOT_A_NUMBER.finditer(text):
        if match[1]:
            line, column = _position(text, match.start())
            raise ValueError(
                f"The camera path has {match[1]} at line {line}, column {column}: use a finite "
                "number."
            )
    try:
        return json.loads(text, parse_int=_whole, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"The camera path is not valid JSON at line {error.lineno}, column {error.colno}: "
            f"{_reason(error)}. Expected something like {EXAMPLE}"
        ) from None
    except RecursionError:
        raise ValueError(
            f"The camera path is nested too deeply: expected something like {EXAMPLE}"
        ) from None


def _position(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - before.rfind("\n")


def _reason(error: json.JSONDecodeError) -> str:
    reason = error.msg[:1].lower() + error.msg[1:]
    return reason.replace(" enclosed in double quotes", ' in double quotes ("...")')


def _whole(digits: str) -> int | float:
    # Python refuses integers of thousands of digits with advice for programmers.
    return int(digits) if len(digits) < 300 else math.inf


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, value in pairs:
        if name in data:
            raise ValueError(f'The camera path says "{name}" twice in one object: keep one.')
        data[name] = value
    return data


def _read_layer(
    data: dict[str, Any], fov: float, where: str, layers: tuple[CameraPath, ...] = ()
) -> CameraPath:
    keyframes = tuple(
        _read_keyframe(item, f"{where}Keyframe {number}".capitalize())
        for number, item in enumerate(_list(data, "keyframes", f"{where}the path".capitalize()), 1)
    )
    shake = data.get("shake")
    read = None if shake is None else _read_shake(shake, f"{where}the shake".capitalize())
    try:
        return CameraPath(keyframes, fov, read, layers)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None


def _read_keyframe(item: object, where: str) -> Keyframe:
    data = _require_object(item, where, '{"time": 0.5, "pan": 8}')
    _require_known(data, KEYFRAME_FIELDS, where)
    if "time" not in data:
        raise ValueError(f"{where} has no time: give 0 (first frame) to 1 (last frame).")
    time = _number(data, "time", where, 0.0)
    moves = {name: _number(data, name, where, getattr(STILL, name)) for name in MOVES}
    try:
        return Keyframe(time, Pose(**moves), _ease(data.get("ease", Ease.IN_OUT.value)))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _ease(value: object) -> Ease | Slopes:
    if isinstance(value, list):
        return Slopes(*_pair({"ease": value}, "ease", "it", (1.0, 1.0)))
    names = [ease.value for ease in Ease]
    if value in names:
        return Ease(value)
    raise ValueError(
        f"ease is {_shown(value)}{_did_you_mean(value, names)}: use one of {_listed(names)}, or "
        "two slopes such as [0, 1.5]."
    )


def _read_shake(item: object, where: str) -> Shake:
    data = _require_object(item, where, '{"degrees": 0.5}')
    _require_known(data, SHAKE_FIELDS, where)
    neutral = Shake(0.0)
    seed, closed = data.get("seed", neutral.seed), data.get("closed", neutral.closed)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError(f"{where} has seed {_shown(seed)}: use a whole number.")
    if not isinstance(closed, bool):
        raise ValueError(f"{where} has closed {_shown(closed)}: use true or false.")
    return Shake(
        _number(data, "degrees", where, neutral.degrees),
        _number(data, "cycles", where, neutral.cycles),
        seed,
        closed,
        _pair(data, "during", where, neutral.during),
        _pair(data, "part", where, neutral.part),
    )


def _require_object(value: object, where: str, example: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {_shown(value)}; expected {example}")
    return value


def _require_known(data: dict[str, Any], known: Iterable[str], where: str) -> None:
    for name in data:
        if name not in known:
            raise ValueError(
                f'{where} has the unknown field "{name}"{_did_you_mean(name, known)}. It can have '
                f"{_listed(known)}."
            )


def _number(data: dict[str, Any], name: str, where: str, neutral: float) -> float:
    value = data.get(name, neutral)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} has {name} {_shown(value)}; expected a number without quotes.")
    if not math.isfinite(value):
        raise ValueError(f"{where} has {name} {value}: it must be a finite number.")
    return float(value)


def _pair(
    data: dict[str, Any], name: str, where: str, neutral: tuple[float, float]
) -> tuple[float, float]:
    values = data.get(name, neutral)
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise ValueError(f"{where} has {name} {_shown(values)}; expected two numbers: [0, 1].")
    first, second = (_number({name: value}, name, where, 0.0) for value in values)
    return first, second


def _list(data: dict[str, Any], name: str, where: str) -> list[Any]:
    values = data.get(name, [])
    if not isinstance(values, list):
        raise ValueError(f"{where} has {name} {_shown(values)}; expected a list: [...].")
    return values


def _did_you_mean(name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name).lower(), list(known), 1, 0.5)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _shown(value: object) -> str:
    """The value as JSON, cut to what fits in a sentence."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
