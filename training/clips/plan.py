"""Which clips to make of which films, decided before any network has to work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

from torch import Tensor

from ...sampling.conditioning import FilmShape
from .cutting import clip_rate, cuts_before, pick_offsets, starts, windows
from .films import Found, TrainingFilm
from .sizes import Size, size_for

REASONS = 5  # of many, in an error
UNREADABLE = (ValueError, OSError, ImportError)  # what the sources raise, each with its sentence


@dataclass(frozen=True)
class ClipSettings:
    """How films become clips of `num_frames` frames.

    `fps` is that of the motion, 0 for the film's own. `width` x `height` is how many pixels a clip
    has about (see `sizes`). At most `clips_per_film` are taken (0: all), which do not overlap.
    `mirror` adds every clip flipped. `validation_share` of them is held out. `seed` draws those,
    and the noise on the conditioning.
    """

    num_frames: int
    fps: int = 0
    width: int = 1024
    height: int = 576
    clips_per_film: int = 8
    mirror: bool = False
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        FilmShape(self.width, self.height, self.num_frames)
        if min(self.fps, self.clips_per_film) < 0:
            raise ValueError(
                f"fps {self.fps}, clips_per_film {self.clips_per_film}: expected 0 or more."
            )
        if not 0 <= self.validation_share <= 0.5:
            raise ValueError(
                f"The validation share is {self.validation_share}: expected 0 (none) to 0.5."
            )


@dataclass(frozen=True, eq=False)
class PlannedClip:
    """Frames `start + offsets[i]` of `film`, made `size`, playing at `fps`."""

    film: TrainingFilm
    start: int
    offsets: tuple[int, ...]
    fps: int
    size: Size
    mirrored: bool = False

    @property
    def source(self) -> str:
        return f"{self.film.name} from frame {self.start}{', mirrored' if self.mirrored else ''}"


@dataclass(frozen=True)
class ClipPlan:
    """What is to be encoded; `skipped` says in a sentence each what cannot be."""

    settings: ClipSettings
    clips: tuple[PlannedClip, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Places:
    """First frames of a film's clips, and a sentence on each part that could not be read."""

    starts: tuple[int, ...]
    skipped: tuple[str, ...] = ()


FindStarts = Callable[[TrainingFilm, tuple[int, ...], ClipSettings], Places]
OnStep = Callable[[int, int], None]


def plan_clips(
    found: Found,
    settings: ClipSettings,
    on_film: OnStep | None = None,
    find: FindStarts | None = None,
) -> ClipPlan:
    """The clips of all films that were `found`; those that give none are skipped with a sentence.

    Reads frames to find cuts (`find`: how), one at a time. `on_film` is told how many films of how
    many are done. Raises ValueError, with the first reasons, if there is no clip at all.
    """
    clips: list[PlannedClip] = []
    skipped = list(found.skipped)
    for number, film in enumerate(found.films):
        of_film, reasons = _of_film(film, settings, find or find_starts)
        clips += of_film
        skipped += reasons
        if on_film:
            on_film(number + 1, len(found.films))
    require_some(clips, skipped)
    return ClipPlan(settings, tuple(clips), tuple(dict.fromkeys(skipped)))


def find_starts(
    film: TrainingFilm,
    offsets: tuple[int, ...],
    settings: ClipSettings,
    on_frame: Callable[[], None] | None = None,
) -> Places:
    """Where clips with these `offsets` begin; frames are read only as far as they are needed.

    What `on_frame`, which is called for each, raises ends the search.
    """
    span = offsets[-1] + 1
    most = settings.clips_per_film
    parts = windows(film.stream.clip.count, span, most)
    found: list[int] = []
    skipped: list[str] = []
    for window in parts:
        try:
            with closing(film.stream.frames(window.start)) as frames:
                new_shots = cuts_before(_told(frames, on_frame))
                places = starts(new_shots, window, span)
                for start in islice(places, most // len(parts) or None):
                    found.append(start)  # what comes before damage is kept
        except UNREADABLE as error:
            skipped.append(str(error))
    return Places(tuple(found), tuple(skipped))


def require_some(clips: Iterable[object], skipped: Iterable[str]) -> None:
    """Raises ValueError with the first reasons if there are no `clips`."""
    if any(True for _ in clips):
        return
    reasons = list(dict.fromkeys(skipped))
    told = "".join(f"\n- {reason}" for reason in reasons[:REASONS])
    more = f"\nand {len(reasons) - REASONS} more." if len(reasons) > REASONS else ""
    raise ValueError(f"No clip can be trained on.{told}{more}")


def _of_film(
    film: TrainingFilm, settings: ClipSettings, find: FindStarts
) -> tuple[list[PlannedClip], tuple[str, ...]]:
    try:
        clip = film.stream.clip
    except UNREADABLE as error:
        return [], (str(error),)
    offsets = pick_offsets(settings.num_frames, clip.rate, settings.fps)
    span = offsets[-1] + 1
    if clip.count < span:
        return [], (_too_short(film, span, settings),)
    places = find(film, offsets, settings)
    if not places.starts:
        cut_up = f"{film.name} has no {span} frames without a scene cut: no clip is made of it."
        return [], places.skipped or (cut_up,)
    shape = Size(clip.width, clip.height)
    size = size_for(shape, settings.width, settings.height)
    clips = [
        PlannedClip(film, start, offsets, clip_rate(clip.rate, settings.fps), size)
        for start in places.starts
    ]
    return list(_with_mirrored(clips, settings.mirror)), places.skipped


def _with_mirrored(clips: Iterable[PlannedClip], mirror: bool) -> Iterator[PlannedClip]:
    for clip in clips:
        yield clip
        if mirror:
            yield replace(clip, mirrored=True)


def _told(frames: Iterable[Tensor], on_frame: Callable[[], None] | None) -> Iterator[Tensor]:
    for frame in frames:
        if on_frame:
            on_frame()
        yield frame


def _too_short(film: TrainingFilm, span: int, settings: ClipSettings) -> str:
    pace = f" at {settings.fps} fps" if settings.fps else ""
    advice = "; lower num_frames, or set fps to 0" if settings.fps else "; lower num_frames"
    return (
        f"{film.name} is too short: {film.stream.clip.count} frames, and a clip of "
        f"{settings.num_frames}{pace} takes {span}{advice}."
    )
