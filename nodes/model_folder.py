"""Where models that we make go: into the folder that ComfyUI lists them from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import folder_paths

from ..video.names import next_free_path
from .typed_prefix import typed_place


@dataclass(frozen=True)
class Place:
    """A folder below `root`, and the name that files in it begin with."""

    root: Path
    folder: Path
    name: str

    def next_free(self, suffix: str) -> Path:
        return next_free_path(self.folder, self.name, suffix)

    def listed(self, file: Path) -> str:
        """The file's name in ComfyUI's lists."""
        return os.path.relpath(file, self.root)


def model_place(kind: str, filename_prefix: str) -> Place:
    """The place in the first folder for models of `kind`, made if it is not there.

    `%year%` and the like are replaced as in ComfyUI's own nodes. Raises ValueError for a prefix
    that leads out of that folder, or that names no file.
    """
    root = Path(os.path.abspath(folder_paths.get_folder_paths(kind)[0]))
    place = typed_place(filename_prefix, root, called=kind)
    return Place(root, place.folder, place.name)
