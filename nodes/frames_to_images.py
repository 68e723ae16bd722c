"""From frames that are pulled to a batch that core's nodes take."""

from __future__ import annotations

import psutil
import torch
from comfy_api.latest import io
from torch import Tensor

from ..sampling.memory import GIBI
from ..video.stream import FrameStream
from .frames import as_stream, frames_input
from .pull import pull
from .report import show
from .schema import schema


class SVDFramesToImages(io.ComfyNode):
    """All frames at once, once it is known that they fit."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioFramesToImages",
            display_name="SVD Frames To Images",
            description="Pull all frames into one batch for ComfyUI's own nodes. It says how much "
            "memory that takes before it does; SVD Write Video needs no batch.",
            search_aliases=["materialize frames", "frames to batch", "IMAGE from SVD_FRAMES"],
            inputs=[
                frames_input("From SVD Load Frames, SVD Upscale, SVD Interpolate and so on."),
                io.Boolean.Input(
                    "anyway",
                    default=False,
                    optional=True,
                    tooltip="Off: refuse a batch that is larger than the free memory. On: try; the "
                    "system may slow down, or end ComfyUI.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="images"),
                io.Float.Output(
                    display_name="fps", tooltip="Of the frames; 0 where nobody has said it."
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="What was done to the frames, and the memory that the batch takes.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, frames, anyway=False) -> io.NodeOutput:
        stream, node_id = as_stream(frames), cls.hidden.unique_id if cls.hidden else None
        report = "\n".join([*stream.describe(), memory_of_batch(stream, anyway)])
        show(report, node_id)
        images = frames if isinstance(frames, Tensor) else batch_of(stream, node_id)
        show(report, node_id)
        return io.NodeOutput(images, float(stream.clip.rate or 0), report)


def memory_of_batch(stream: FrameStream, anyway: bool) -> str:
    """A line that says what the batch takes. Raises ValueError if that is more than is free."""
    clip = stream.clip
    need, free = clip.count * clip.frame_bytes, psutil.virtual_memory().available
    if need > free and not anyway:
        raise ValueError(
            f"A batch of {clip.describe()} takes {need / GIBI:.2f} GiB, and {free / GIBI:.2f} GiB "
            "are free: write the film with SVD Write Video, which needs no batch, take fewer "
            "frames, or turn on anyway."
        )
    return f"the batch takes {need / GIBI:.2f} GiB of memory, {free / GIBI:.2f} GiB are free"


def batch_of(stream: FrameStream, node_id: str | None = None) -> Tensor:
    """All frames (T, H, W, C) in float32 on the CPU; nothing is there twice."""
    clip = stream.clip
    images = torch.empty(clip.count, clip.height, clip.width, clip.channels)
    for image, frame in zip(images, pull(stream, node_id=node_id), strict=True):
        image.copy_(frame)
    return images


NODES = (SVDFramesToImages,)
