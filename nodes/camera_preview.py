"""Seeing a camera move before it is sampled."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..sampling.camera import CameraPath
from ..sampling.camera_limits import verdict
from ..sampling.camera_plot import plot
from ..sampling.camera_preview import preview_path
from ..sampling.conditioning import first_picture
from ..sampling.framing import composite
from ..sampling.scene import DEPTH_RANGE, depth_from_image
from .camera import Camera
from .film_preview import preview_film
from .report import show
from .schema import schema


class SVDCameraPreview(io.ComfyNode):
    """The move in a second, without a model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCameraPreview",
            display_name="SVD Camera Preview",
            description="See a camera move before sampling: the picture warped along the path, a "
            "plot of the path, and warnings where SVD will not follow.",
            search_aliases=["camera plot", "camera warp", "camera path preview"],
            inputs=[
                io.Image.Input("image", tooltip="The picture; of a batch, the first."),
                Camera.Input("camera", tooltip="A camera path from any camera node."),
                io.Int.Input(
                    "frames",
                    default=14,
                    min=1,
                    max=1000,
                    tooltip="Length of the clip: as in SVD Conditioning.",
                ),
                io.Int.Input(
                    "width",
                    default=512,
                    min=64,
                    max=4096,
                    step=8,
                    tooltip="Of the preview, in pixels.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=4096,
                    step=8,
                    tooltip="Of the preview. 0: the picture's own proportions. With the film's, "
                    "the preview is cut as the film will be.",
                ),
                io.Image.Input(
                    "depth",
                    optional=True,
                    tooltip="Depth of this picture from any depth node, near is white. Without it "
                    "the picture is a plane at the subject's distance.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="preview", tooltip="Hatched: what SVD will have to invent."
                ),
                io.Image.Output(
                    display_name="plot", tooltip="The moves over the clip, and the camera's way."
                ),
                io.String.Output(
                    display_name="warnings", tooltip="Where the move is more than SVD follows."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, image, camera, frames, width, height, depth=None) -> io.NodeOutput:
        distance = None if depth is None else depth_from_image(depth, True, DEPTH_RANGE)
        picture = composite(first_picture(image))
        preview = preview_path(picture, camera, frames, width, height, distance)
        aspect = preview.shape[1] / preview.shape[2]
        warnings = verdict(camera, frames, aspect, flat=depth is None)
        show(warnings, cls.hidden.unique_id if cls.hidden else None)
        shown = preview_film(preview)
        return io.NodeOutput(preview, plot_image(camera, frames), warnings, ui=shown)


def plot_image(path: CameraPath, num_frames: int) -> torch.Tensor:
    """(1, H, W, 3) in 0..1."""
    return torch.from_numpy(plot(path, num_frames))[None].float() / 255


NODES = (SVDCameraPreview,)
