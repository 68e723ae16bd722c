"""Where clips begin in a film, found once: looking for cuts means decoding it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ...video.disk import clear_disk_errors
from ...video.fingerprint import fingerprint
from ...video.publish import unfinished_file
from .cutting import CUT
from .films import TrainingFilm
from .plan import ClipSettings, FindStarts, Places, find_starts


def remembered(folder: Path, search: FindStarts = find_starts) -> FindStarts:
    """`search` that writes what it found into `folder`, and reads it there the next time.

    What is damaged is looked for again each time. Raises DiskFullError or PermissionError.
    """

    def find(film: TrainingFilm, offsets: tuple[int, ...], settings: ClipSettings) -> Places:
        key = fingerprint(film.stamp, offsets, settings.clips_per_film, CUT)
        file = folder / f"{key}.starts.json"
        known = _read(file)
        if known is not None:
            return known
        places = search(film, offsets, settings)
        if not places.skipped:
            _write(file, places)
        return places

    return find


def _read(file: Path) -> Places | None:
    try:
        return Places(tuple(map(int, json.loads(file.read_text(encoding="utf-8")))))
    except (OSError, ValueError, TypeError):
        return None


def _write(file: Path, places: Places) -> None:
    with clear_disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_file(file.parent) as temp:
            temp.write_text(json.dumps(places.starts), encoding="utf-8")
            os.replace(temp, file)
