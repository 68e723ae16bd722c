"""Where a filename_prefix leads that somebody has typed, or that came with a graph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import folder_paths

LONGEST = 200  # bytes; file systems end at 255, and numbers and endings come on top


class TypedPlace(NamedTuple):
    """A folder that is there, the name that files in it begin with, and its path below the root."""

    folder: Path
    name: str
    subfolder: str


def typed_place(
    filename_prefix: str, root: Path, size: tuple[int, int] = (0, 0), called: str = "output"
) -> TypedPlace:
    """The place below `root` (`called` so in messages), made if it is not there.

    `%year%`, `%width%` and the like are replaced as in ComfyUI's own nodes; `size` is (width,
    height). Raises ValueError for a prefix that leads out of the root, or that names no file.
    """
    typed = filename_prefix.strip().replace("\\", "/")
    prefix = Path(os.path.normpath(typed))
    if any(ord(sign) < ord(" ") for sign in typed):
        raise ValueError(
            f"{filename_prefix!r} holds a line break or another control character: type the name "
            "again without it."
        )
    if prefix.anchor or prefix.drive or ".." in prefix.parts:
        raise ValueError(
            f"{filename_prefix} leads out of the folder {called}: give a name, or folder/name, "
            "inside it."
        )
    if not typed or typed.endswith("/") or not prefix.name:
        raise ValueError(
            f"{filename_prefix or 'An empty filename_prefix'} names no file: give a name such as "
            "svd_studio/film."
        )
    if max(len(os.fsencode(part)) for part in prefix.parts) > LONGEST:
        raise ValueError(
            f"{prefix.name[:20]}... is too long: give a name of at most {LONGEST} bytes."
        )
    root = Path(os.path.abspath(root))
    folder, name, _, subfolder, _ = folder_paths.get_save_image_path(str(prefix), str(root), *size)
    return TypedPlace(Path(folder), name, subfolder)
