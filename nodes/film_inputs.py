"""What a user can name a film by: a path, or a VIDEO on a socket."""

from __future__ import annotations

import hashlib
import io as files
import os
from fractions import Fraction
from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import Input, InputImpl

from ..video.publish import unfinished_file
from ..video.sources.film import Film, film_at
from ..video.sources.film_index import index_of
from ..video.sources.images import ImageBatch
from ..video.sources.sound import Sound
from ..video.sources.video_file import VideoFile
from ..video.stream import FrameStream
from ..video.trim import Trim


def film_path(text: str) -> Path:
    """A path as it was typed: absolute, or inside ComfyUI's input folder.

    Raises ValueError for no path, and for one that leads out of that folder.
    """
    name = text.strip()
    if name.startswith('"') and name.endswith('"'):  # as Windows copies paths
        name = name.strip('"')
    if not name:
        raise ValueError(
            "There is no film: connect a VIDEO, or give the path of a film or of a folder of "
            "pictures."
        )
    if os.path.isabs(name):
        return Path(name)
    inner = Path(os.path.normpath(name))
    if inner.anchor or ".." in inner.parts:
        raise ValueError(
            f"{name} leads out of ComfyUI's input folder: give a path inside it, or the whole path."
        )
    return Path(folder_paths.get_input_directory()) / inner


def film_of_video(video: Input.Video, rate: Fraction) -> Film:
    """The film of core's VIDEO, from its file wherever it is one, without making a batch."""
    if isinstance(video, InputImpl.VideoFromFile):
        path = _file_of(video)
        film = film_at(path, rate)
        source = film.stream.source
        if not isinstance(source, VideoFile):
            return film
        if _is_of_file(video, path):
            return film.trimmed(_window(video, source))
    return _film_in_memory(video)


def stamp(path: Path) -> str:
    """Another text when a file at `path`, or in the folder there, has changed."""
    folder = path if path.is_dir() else path.parent
    found = sorted(folder.iterdir()) if path.is_dir() or not path.exists() else [path]
    lines = [f"{file}:{(s := file.stat()).st_mtime_ns}:{s.st_size}" for file in found]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _file_of(video: InputImpl.VideoFromFile) -> Path:
    source = video.get_stream_source()
    if not isinstance(source, files.BytesIO):
        return Path(source)
    content = source.getbuffer()
    name = f"svd_studio_{hashlib.sha256(content).hexdigest()[:32]}.video"
    path = Path(folder_paths.get_temp_directory()) / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_file(path.parent) as temp:
            temp.write_bytes(content)
            os.replace(temp, path)
    return path


def _is_of_file(video: InputImpl.VideoFromFile, path: Path) -> bool:
    """Whether all that newer versions may ask of it is known: no crop, and a window with times."""
    index = index_of(path)
    sizes = {(index.width, index.height), (index.height, index.width)}
    if tuple(video.get_dimensions()) not in sizes:
        return False
    whole = InputImpl.VideoFromFile(str(path))
    return hasattr(video, "get_active_trim_window") or whole.get_duration() == video.get_duration()


def _window(video: InputImpl.VideoFromFile, file: VideoFile) -> Trim:
    if not hasattr(video, "get_active_trim_window"):
        return Trim()
    start, duration = video.get_active_trim_window()
    first = file.number_at(start) if start > 0 else 0
    if not duration:
        return Trim(first)
    return Trim(first, max(1, file.number_at(start + duration) - first))


def _film_in_memory(video: Input.Video) -> Film:
    parts = video.get_components()
    alpha = getattr(parts, "alpha", None)
    images = parts.images if alpha is None else torch.cat((parts.images, alpha), dim=-1)
    sound = parts.audio and Sound(parts.audio["waveform"][0], parts.audio["sample_rate"])
    stream = FrameStream(ImageBatch(images, Fraction(parts.frame_rate)))
    return Film(stream, sound).without_rest()
