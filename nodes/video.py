"""Writing the film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import comfy.utils
import folder_paths
from comfy_api.latest import InputImpl, io, ui
from torch import Tensor

from ..sampling.framing import composite
from ..video.rate import exact_rate
from ..video.stream import Clip
from ..video.write.writer import WrittenVideo, save_film
from .film_preview import film_facts, place_of, playing
from .graph_tags import graph_tags
from .schema import schema
from .typed_prefix import typed_place


class SVDSaveVideo(io.ComfyNode):
    """A film that other programs read with the right colours and the right rate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioSaveVideo",
            display_name="SVD Save Video",
            description="Write an H.264 film (BT.709, exact frame rate) into the output folder and "
            "show it here. Never overwrites; drop the file onto ComfyUI to get its graph back.",
            search_aliases=["video combine", "export video", "mp4"],
            inputs=[
                io.Image.Input("images", tooltip="The frames, in order."),
                io.Float.Input(
                    "fps",
                    default=7.0,
                    min=0.01,
                    max=1000.0,
                    step=0.01,
                    round=False,
                    tooltip="Frames per second. 23.976, 29.97 and 59.94 are taken as "
                    "exactly 24000/1001, 30000/1001 and 60000/1001.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="video/SVD",
                    tooltip="Folder and name within ComfyUI's output folder; a number is added.",
                ),
                io.Int.Input(
                    "quality",
                    default=80,
                    min=0,
                    max=100,
                    tooltip="80: good for viewing and uploading; 100: no visible loss, "
                    "large files.",
                ),
            ],
            outputs=[io.Video.Output()],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, images, fps, filename_prefix, quality) -> io.NodeOutput:
        tags = graph_tags(cls.hidden.prompt, cls.hidden.extra_pnginfo)
        film, subfolder = save_in_output_folder(images, fps, filename_prefix, quality, tags)
        saved = ui.SavedResult(film.path.name, subfolder, io.FolderType.output)
        video = InputImpl.VideoFromFile(str(film.path))
        clip = Clip(film.frames, film.height, film.width, rate=film.rate)
        facts = film_facts(clip, film.size_bytes, place_of(film.path, subfolder))
        return io.NodeOutput(video, ui=playing(saved, facts))


def save_in_output_folder(
    images, fps: float, filename_prefix: str, quality: int, tags: dict[str, str]
) -> tuple[WrittenVideo, str]:
    """Write frames (T, H, W, C); returns the film and its folder below ComfyUI's output folder."""
    rate = exact_rate(fps)
    progress = comfy.utils.ProgressBar(len(images))

    def pulled() -> Iterator[Tensor]:
        for frame in images:
            yield composite(frame).float()
            progress.update(1)

    output = Path(folder_paths.get_output_directory())
    place = typed_place(filename_prefix, output, tuple(images.shape[2:0:-1]))
    film = save_film(pulled(), place.folder, place.name, rate, quality, tags)
    return film, place.subfolder


NODES = (SVDSaveVideo,)
