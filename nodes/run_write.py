"""A stream into a file in ComfyUI's output folder, and what the node shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import folder_paths
from comfy_api.latest import InputImpl, io, ui
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from ..video.rate import exact_rate
from ..video.stream import FrameStream
from ..video.write.formats import AnimationFormat, FilmFormat, Format, formats
from ..video.write.order import Order, Written
from ..video.write.poster import Poster
from ..video.write.render import write_stream
from ..video.write.sound import sound_in
from .film_preview import KEY, film_facts, place_of, playing
from .frames import as_stream
from .graph_tags import graph_tags, origin_tags
from .pull import pull
from .report import show
from .typed_prefix import typed_place


@dataclass(frozen=True)
class WriteSettings:
    """The widgets of SVD Write Video; `fps` 0 is what the frames know."""

    format: str
    fps: float
    filename_prefix: str
    quality: int
    poster: str
    metadata: bool
    licence: str
    segment_frames: int
    resume: bool
    first_number: int


@dataclass(frozen=True)
class Graph:
    """What ComfyUI knows of the graph that is run."""

    prompt: dict | None
    extra_pnginfo: dict | None
    node_id: str | None

    def tags(self, licence: str) -> dict[str, str]:
        return {
            **graph_tags(self.prompt, self.extra_pnginfo),
            **origin_tags(self.prompt, licence),
        }


def write_in_output_folder(
    frames: FrameStream | Tensor, audio: Mapping | None, settings: WriteSettings, graph: Graph
) -> io.NodeOutput:
    """The film, its path, the report, and what the node shows of it.

    Pictures and animations are no VIDEO: that output is blocked, so what hangs on it does not run.
    """
    stream = as_stream(frames)
    order = order_of(stream, audio, settings, graph)
    size = (stream.clip.width, stream.clip.height)
    place = typed_place(settings.filename_prefix, Path(folder_paths.get_output_directory()), size)
    pulling = partial(pull, node_id=graph.node_id)
    written = write_stream(stream, order, place.folder, place.name, pulling)
    report = "\n".join(written.describe())
    show(report, graph.node_id)
    is_film = isinstance(order.format, FilmFormat)
    film = InputImpl.VideoFromFile(str(written.path)) if is_film else ExecutionBlocker(None)
    shown = _shown(written, order, place.subfolder)
    return io.NodeOutput(film, str(written.path), report, ui=shown)


def order_of(
    stream: FrameStream, audio: Mapping | None, settings: WriteSettings, graph: Graph
) -> Order:
    """Raises ValueError where nobody has said the rate, and for sound of too many channels."""
    rate = exact_rate(settings.fps) if settings.fps else stream.clip.rate
    if rate is None:
        raise ValueError(
            "Nobody has said how many frames a second these are: set fps, or connect frames that "
            "know it."
        )
    chosen = formats()[settings.format]
    return Order(
        chosen,
        rate,
        settings.quality,
        settings.segment_frames,
        settings.resume,
        settings.first_number,
        sound_in(audio),
        graph.tags(settings.licence) if settings.metadata else {},
        Poster(settings.poster),
        None if _plays(chosen) else _preview_file(),
    )


def _plays(chosen: Format) -> bool:
    """In a browser."""
    return isinstance(chosen, AnimationFormat) or getattr(chosen, "plays", False)


def _preview_file() -> Path:
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"svd_write_{uuid4().hex}.jpg"


def _shown(written: Written, order: Order, subfolder: str) -> dict:
    """What a browser can play, or else a picture of it, and beside it as `files` what was written:
    so that scripts find films and pictures of every format in the history."""
    facts = film_facts(written.clip, written.size_bytes, place_of(written.path, subfolder))
    facts |= {"sound": order.sound is not None and isinstance(order.format, FilmFormat)}
    if order.preview is not None:
        preview = ui.SavedResult(order.preview.name, "", io.FolderType.temp)
        files = list(_files(written.path, subfolder))
        return {"images": [preview], "files": files, KEY: [facts]}
    saved = ui.SavedResult(written.path.name, subfolder, io.FolderType.output)
    return playing(saved, facts)


def _files(path: Path, subfolder: str) -> Iterator[ui.SavedResult]:
    folder = f"{subfolder}/{path.name}" if path.is_dir() else subfolder
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        yield ui.SavedResult(file.name, folder, io.FolderType.output)
