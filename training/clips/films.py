"""The films in a folder of the user's, and the still picture that belongs to each."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ...video.sources import animation, image_file
from ...video.sources.film import stream_at
from ...video.sources.images import ImageBatch
from ...video.stream import FrameStream

VIDEOS = frozenset(
    {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg"}
    | {".ts", ".mts", ".m2ts", ".mxf", ".wmv", ".flv", ".ogv"}
)
NAMED = 3  # files in a sentence


@dataclass(frozen=True, eq=False)
class TrainingFilm:
    """A film to cut clips from. `name` is for people; `stamp` is another when the film changed.

    `still`, if there is one, is the picture that its clips are conditioned on.
    """

    name: str
    stream: FrameStream
    stamp: str
    still: Path | None = None


@dataclass(frozen=True)
class Found:
    """The films at a place, and a sentence on each thing there that is of no use."""

    films: tuple[TrainingFilm, ...]
    skipped: tuple[str, ...] = ()


def films_at(path: Path, rate: Fraction) -> Found:
    """The films in a folder and the folders in it, or the one film at `path`.

    A folder that holds nothing but pictures is one film, its pictures are the frames. In a folder
    with films or folders, a picture is the still of the film or folder of its name
    (`beach.png` beside `beach.mp4`, or beside the folder `beach`). `rate` is that of pictures. No
    film is read yet. Raises FileNotFoundError for nothing there, ValueError for no films in it.
    """
    if not path.is_dir():
        return Found((_one_film(path, rate),))
    if _is_film_of_pictures(path):
        return Found((_film(path, path.name, rate, _still_beside(path)),))
    films: list[TrainingFilm] = []
    skipped: list[str] = []
    for folder in _collections(path):
        found = _films_in(folder, path, rate)
        films += found.films
        skipped += found.skipped
    if not films:
        raise ValueError(
            f"{path} holds no films ({_count(path)} files found): expected videos, or folders of "
            "pictures that are the frames of a film each."
        )
    return Found(tuple(films), tuple(skipped))


def film_of_images(images: Tensor, rate: Fraction) -> TrainingFilm:
    """The film whose frames are a batch (T, H, W, C) in 0..1."""
    stream = FrameStream(ImageBatch(images, rate))
    return TrainingFilm("images", stream, stream.source.fingerprint())


def stamp_of(path: Path) -> str:
    """Another text when a file at `path`, or anywhere in the folder there, has changed."""
    lines = [f"{path.absolute()}"]
    for file in _files_below(path) if path.is_dir() else [path]:
        try:
            found = file.stat()
        except OSError:
            lines.append(f"{file}: missing")
        else:
            lines.append(f"{file}:{found.st_mtime_ns}:{found.st_size}")
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:32]


def stamp_of_place(path: Path) -> str:
    """Another text when what `films_at` finds at `path` may have changed, its still included."""
    if glob.has_magic(path.name) and not path.exists():
        return stamp_of(path.parent)
    still = _still_beside(path) if path.parent.is_dir() else None
    return f"{stamp_of(path)} {still and stamp_of(still)}"


def _one_film(path: Path, rate: Fraction) -> TrainingFilm:
    if path.exists():
        return _film(path, path.name, rate, _still_beside(path))
    if glob.has_magic(path.name) and path.parent.is_dir():
        return TrainingFilm(path.name, stream_at(path, rate), stamp_of(path.parent))
    raise FileNotFoundError(f"There is nothing at {path}: check the path.")


def _films_in(folder: Path, top: Path, rate: Fraction) -> Found:
    """Of one folder, and of the folders of pictures right in it."""
    listed = sorted(_seen(folder))
    films = [path for path in listed if _is_film(path)]
    stills = [path for path in listed if path.is_file() and path not in films and _is_still(path)]
    by_stem = {still.stem: still for still in reversed(stills)}
    found = tuple(
        _film(path, path.relative_to(top).as_posix(), rate, by_stem.get(_stem(path)))
        for path in films
    )
    taken = {_stem(path) for path in films}
    alone = [still for still in stills if still.stem not in taken]
    return Found(found, _lonely(folder, alone))


def _film(path: Path, name: str, rate: Fraction, still: Path | None) -> TrainingFilm:
    return TrainingFilm(name, stream_at(path, rate), stamp_of(path), still)


def _lonely(folder: Path, pictures: list[Path]) -> tuple[str, ...]:
    if not pictures:
        return ()
    names = ", ".join(picture.name for picture in pictures[:NAMED])
    more = "" if len(pictures) <= NAMED else f" and {len(pictures) - NAMED} more"
    return (
        f"{names}{more} in {folder.name} stand beside no film of their name: put the frames of a "
        "film into a folder of their own.",
    )


def _still_beside(path: Path) -> Path | None:
    beside = sorted(_seen(path.parent))
    return next((file for file in beside if file.stem == _stem(path) and _is_still(file)), None)


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _collections(top: Path) -> Iterator[Path]:
    """Every folder from `top` down that is not a film itself."""
    for folder, inner, _ in os.walk(top):
        inner[:] = sorted(
            name
            for name in inner
            if not name.startswith(".") and not _is_film_of_pictures(Path(folder, name))
        )
        yield Path(folder)


def _is_film(path: Path) -> bool:
    if path.is_dir():
        return _is_film_of_pictures(path)
    return path.suffix.lower() in VIDEOS or _is_animation(path)


def _is_film_of_pictures(folder: Path) -> bool:
    listed = list(_seen(folder))
    if any(path.is_dir() or path.suffix.lower() in VIDEOS for path in listed):
        return False
    pictures = [path for path in listed if path.suffix.lower() in image_file.SUFFIXES]
    return bool(pictures) and not any(_is_animation(path) for path in listed)


def _is_still(path: Path) -> bool:
    is_picture = path.suffix.lower() in image_file.SUFFIXES
    return path.is_file() and is_picture and not _is_animation(path)


def _is_animation(path: Path) -> bool:
    """Whether it is a GIF, or a WebP of more than one picture."""
    suffix = path.suffix.lower()
    if suffix != ".webp" or not path.is_file():
        return suffix in animation.SUFFIXES
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except (OSError, UnidentifiedImageError):
        return False  # whoever reads it as a picture says what is wrong


def _seen(folder: Path) -> Iterable[Path]:
    """Without hidden files, such as the `._beach.mp4` of macOS."""
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _files_below(folder: Path) -> Iterator[Path]:
    for inner, names, files in os.walk(folder):
        names.sort()
        yield from (Path(inner, name) for name in sorted(files))


def _count(folder: Path) -> int:
    return sum(1 for _ in _files_below(folder))
