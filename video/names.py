"""Numbered file names, so that every run of a graph gets a file of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path

SEPARATORS = "/\\\0"
# Windows takes a colon for a hidden stream inside the file, and refuses the others.
FORBIDDEN = SEPARATORS + ('<>:"|?*' if os.name == "nt" else "")


def next_free_path(folder: Path, prefix: str, suffix: str) -> Path:
    """`folder/prefix_00001suffix`, or the number after the highest that is there.

    `suffix` includes the dot. Numbers of removed files in between are not used again, so the
    newest film has the highest number. Another process can take the name at any moment: `publish`
    finds out. Raises `ValueError` for a prefix that cannot be part of a file name.
    """
    check_prefix(prefix)
    pattern = re.compile(f"{re.escape(prefix)}_([0-9]+){re.escape(suffix)}")
    numbers = (pattern.fullmatch(name) for name in os.listdir(folder))
    number = max((int(match[1]) for match in numbers if match), default=0) + 1
    # Some disks take "Shot" and "shot", or two spellings of "é", for the same name.
    while os.path.lexists(path := folder / f"{prefix}_{number:05}{suffix}"):
        number += 1
    return path


def check_prefix(prefix: str) -> None:
    """Raise `ValueError` unless `prefix` can start a file name on this system."""
    if not prefix or any(character in FORBIDDEN for character in prefix):
        raise ValueError(
            f"expected a file name prefix without any of {' '.join(FORBIDDEN[:-1])!r}, "
            f"got {prefix!r}: name the folder separately"
        )
