"""What a node tells the player in the graph editor: a film, and what its frames are.

Under a key of our own, as ComfyUI would show `images` in a player of its own beside ours. Nothing
depends on it: without JavaScript the outputs are the same.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
import folder_paths
from comfy_api.latest import io, ui
from torch import Tensor

from ..video.stream import Clip
from ..video.write.preview import write_preview

KEY = "svd_film"
USUAL_RATE = 7  # frames per second; what SVD was trained at, as in SVD Conditioning
# Nodes that tell the model a rate, and how many frames per second that is more than they say:
# core's takes the number that the model is told, which is one less.
TELLS_RATE = {"SVDStudioConditioning": 0, "SVD_img2vid_Conditioning": 1}

log = logging.getLogger(__name__)


def film_facts(clip: Clip, size_bytes: int, written: str = "") -> dict:
    """What the line under a film says: of the frames, not of the file that shows them.

    `written` is where the file is, for people; empty for a preview.
    """
    facts = {"width": clip.width, "height": clip.height, "frames": clip.count}
    rate = None if clip.rate is None else float(clip.rate)
    return {**facts, "fps": rate, "bytes": size_bytes, "written": written}


def place_of(path: Path, subfolder: str) -> str:
    """Where a file or folder in ComfyUI's output folder is, as people read it."""
    return "/".join(filter(None, ("output", subfolder.replace("\\", "/"), path.name)))


def playing(saved: ui.SavedResult, facts: Mapping) -> dict:
    """`saved` as a film or an animation that a browser plays.

    ComfyUI's list of finished jobs takes what is under a key that it does not know for media only
    if `format` begins with "video/", whatever follows; it tells GIF from film by the file's name.
    """
    kind = Path(saved["filename"]).suffix.removeprefix(".")
    return {KEY: [{**saved, **facts, "format": f"video/{kind}"}]}


def preview_film(
    frames: Tensor, prompt: Mapping | None = None, node_id: str | None = None
) -> dict | None:
    """Frames (T, H, W, C) in 0..1 as a film in ComfyUI's temp folder; None where that fails.

    Frames know no rate: it is that of the conditioning that they were sampled with, which `prompt`
    has before node `node_id`, or else 7 per second.
    """
    rate = told_rate(prompt or {}, node_id) or Fraction(USUAL_RATE)
    folder = Path(folder_paths.get_temp_directory())
    path = folder / f"svd_preview_{uuid4().hex}.mp4"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        film = write_preview(frames, path, rate)
        clip = Clip(*frames.shape[:3], rate=rate)
    except (OSError, ValueError, RuntimeError, av.FFmpegError) as error:
        log.warning("SVD Studio made no preview of %d frames: %s", len(frames), error)
        with suppress(OSError):
            path.unlink()
        return None
    saved = ui.SavedResult(path.name, "", io.FolderType.temp)
    return playing(saved, film_facts(clip, film.size_bytes))


def told_rate(prompt: Mapping[str, Mapping], node_id: str | None) -> Fraction | None:
    """Frames per second that the nearest conditioning before a node tells the model."""
    for node in _before(prompt, node_id):
        more = TELLS_RATE.get(node.get("class_type"))
        fps = node.get("inputs", {}).get("fps")
        if more is not None and isinstance(fps, int | float) and 0 < fps + more <= 1000:
            return Fraction(fps + more).limit_denominator(1001)
    return None


def _before(prompt: Mapping[str, Mapping], node_id: str | None) -> Iterator[Mapping]:
    """The nodes that a node depends on, nearest first."""
    waiting, seen = deque([node_id]), {node_id}
    while waiting:
        node = prompt.get(waiting.popleft() or "", {})
        yield node
        for value in node.get("inputs", {}).values():
            if isinstance(value, list) and len(value) == 2 and value[0] not in seen:
                seen.add(value[0])
                waiting.append(value[0])
