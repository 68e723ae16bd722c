"""What films can be written as: read from `video/formats/*.json`, so a new codec needs no code.

`kind` is "film" (FilmFormat), "sequence" (SequenceFormat) or "animation" (AnimationFormat); the
other keys are the fields below. Files are offered in the order of their names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from functools import cache
from pathlib import Path

from ..pictures.animation import AnimationKind
from ..pictures.kinds import Compression, PictureFile, PictureKind
from ..pictures.primaries import SceneLinear

FOLDER = Path(__file__).resolve().parents[1] / "formats"


class Colour(Enum):
    """How the numbers in a film are to be read; `planes` converts to it, `encoder` tags it."""

    BT709 = "bt709"
    RGB = "rgb"
    HDR10 = "hdr10"
    HLG = "hlg"


@dataclass(frozen=True)
class Quality:
    """What a quality of 0..100 means to an encoder: `option`, from `points` (quality, value).

    Between the points the value is interpolated, and rounded to multiples of `step`.
    """

    option: str
    points: tuple[tuple[float, float], ...]
    step: float = 0.01

    def value(self, quality: int) -> str:
        """Raises ValueError outside 0..100."""
        check_quality(quality)
        after = next(i for i, (at, _) in enumerate(self.points) if at >= quality)
        (here, low), (there, high) = self.points[max(after - 1, 0)], self.points[after]
        share = (quality - here) / (there - here) if there > here else 0.0
        value = round((low + (high - low) * share) / self.step) * self.step
        return f"{value:.10g}"


@dataclass(frozen=True)
class Case:
    """Options for films of some sizes only: all that is said has to hold. `why` is for readers."""

    options: Mapping[str, str]
    why: str
    pixels_above: int = 0
    width_not_multiple_of: int = 0

    def holds(self, width: int, height: int) -> bool:
        odd_width = not self.width_not_multiple_of or width % self.width_not_multiple_of > 0
        return width * height > self.pixels_above and odd_width


@dataclass(frozen=True)
class FilmFormat:
    """A film of one codec in one container, as FFmpeg names them.

    `alpha_pix_fmt` is the one for frames with alpha, where the codec keeps it. `quality` is missing
    where the codec has none to choose. `segment_frames` are encoded on their own, so that a render
    that was cut short loses no more than these. `reorder` is by how many frames their order in the
    file may run ahead of their order on the screen. `sound` is an audio encoder. `smallest` and
    `longest_side` in pixels are what the encoder takes. `plays` in browsers. `note` is for the
    report.
    """

    label: str
    suffix: str
    container: str
    encoder: str
    pix_fmt: str
    sound: str
    alpha_pix_fmt: str | None = None
    colour: Colour = Colour.BT709
    quality: Quality | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    tag: str | None = None
    segment_frames: int = 48
    reorder: int = 0
    smallest: tuple[int, int] = (1, 1)
    longest_side: int = 16384
    plays: bool = False
    note: str = ""

    def encoder_options(self, width: int, height: int, quality: int) -> dict[str, str]:
        options = dict(self.options)
        if self.quality is not None:
            options[self.quality.option] = self.quality.value(quality)
        for case in self.cases:
            if case.holds(width, height):
                options.update(case.options)
        return options


@dataclass(frozen=True)
class SequenceFormat:
    """Numbered pictures; the keys of `picture` are the fields of `video.pictures.kinds`."""

    label: str
    picture: PictureKind
    note: str = ""


@dataclass(frozen=True)
class AnimationFormat:
    """A picture that moves; `animation` is the name of an `AnimationKind`.

    It is written in one go from segments in the lossless film format labelled `segments_as`.
    """

    label: str
    animation: AnimationKind
    segments_as: str
    note: str = ""


Format = FilmFormat | SequenceFormat | AnimationFormat

KINDS = {"film": FilmFormat, "sequence": SequenceFormat, "animation": AnimationFormat}
READERS = {
    "colour": Colour,
    "quality": lambda value: _built(Quality, value),
    "cases": lambda value: tuple(_built(Case, case) for case in value),
    "points": lambda value: tuple(tuple(point) for point in value),
    "smallest": tuple,
    "picture": lambda value: _built(PictureKind, value),
    "animation": AnimationKind.__getitem__,
    "file": PictureFile,
    "compression": Compression,
    "space": SceneLinear,
}


def check_quality(quality: int) -> None:
    if not 0 <= quality <= 100:
        raise ValueError(f"expected a quality in 0..100, got {quality}: 80 suits most films")


@cache
def formats() -> dict[str, Format]:
    """All formats by label. Raises ValueError for a file that says something unknown."""
    return read_formats(sorted(FOLDER.glob("*.json")))


def read_formats(files: Sequence[Path]) -> dict[str, Format]:
    found: dict[str, Format] = {}
    for file in files:
        described = read_format(file)
        if described.label in found:
            raise ValueError(
                f"{file.name}: the label {described.label!r} is taken: choose another."
            )
        found[described.label] = described
    return found


def read_format(file: Path) -> Format:
    """One file; raises ValueError with its name for anything that is unknown or missing."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        kind = told.pop("kind", None)
        if kind not in KINDS:
            raise ValueError(f"its kind is {kind!r}: expected one of {', '.join(KINDS)}")
        return _built(KINDS[kind], told)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"The film format {file.name} cannot be used: {error}.") from error


def _built(kind: type, told: Mapping[str, object]) -> object:
    known = {each.name: each for each in fields(kind)}
    unknown = sorted(set(told) - set(known))
    if unknown:
        raise ValueError(f"unknown keys {', '.join(unknown)}: expected some of {', '.join(known)}")
    missing = [
        name
        for name, each in known.items()
        if name not in told and each.default is MISSING and each.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"nothing said of {', '.join(missing)}: add it")
    return kind(**{name: _value(name, value) for name, value in told.items()})


def _value(name: str, value: object) -> object:
    return READERS[name](value) if name in READERS and value is not None else value
