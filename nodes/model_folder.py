"""Where models that we make go: into the folder that ComfyUI lists them from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import folder_paths

from ..video.names import next_free_path


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
    typed = filename_prefix.strip().replace("\\", "/")
    prefix = Path(os.path.normpath(typed))
    if prefix.anchor or prefix.drive or ".." in prefix.parts:
        raise ValueError(
            f"{filename_prefix} leads out of the folder {kind}: give a name, or folder/name, "
            "inside it."
        )
    if not typed or typed.endswith("/") or not prefix.name:
        raise ValueError("filename_prefix names no file: give a name such as svd_studio/lora.")
    root = Path(os.path.abspath(folder_paths.get_folder_paths(kind)[0]))
    folder, name, *_ = folder_paths.get_save_image_path(str(prefix), str(root))
    return Place(root, Path(folder), name)
