"""Copying a camera move from a clip."""

from __future__ import annotations

import numpy as np
import torch
from comfy_api.latest import io

from ..sampling.camera import DEFAULT_FOV
from ..sampling.camera_fit import FittedPath, fit_path
from ..sampling.framing import composite
from ..video.camera_motion import estimate_homographies
from .camera import Camera
from .report import show
from .schema import advanced, schema


class SVDCameraFromVideo(io.ComfyNode):
    """The camera of a reference clip, as a path."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCameraFromVideo",
            display_name="SVD Camera From Video",
            description="Measure how the camera turned and zoomed in a clip, to move another "
            "picture the same way. Needs no model.",
            search_aliases=["camera tracking", "motion transfer", "match move"],
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The clip's frames, in order, without cuts. Its whole length becomes "
                    "the film's.",
                ),
                io.Float.Input(
                    "fov",
                    default=DEFAULT_FOV,
                    min=1.0,
                    max=150.0,
                    step=1.0,
                    tooltip="Degrees that the clip's first frame shows across its width. 50: a "
                    "normal lens, 70: most phones, 20: long. It turns pixels into degrees.",
                ),
                io.Float.Input(
                    "smoothing",
                    default=1.0,
                    min=0.0,
                    max=30.0,
                    step=0.1,
                    tooltip="Frames of the clip to smooth over. 0 keeps every tremor, 5 and more "
                    "make a hand a tripod's head.",
                ),
                advanced(
                    io.Boolean.Input(
                        "perspective",
                        default=False,
                        optional=True,
                        tooltip="Off: frames shift, scale and roll, which is sturdy. On: "
                        "perspective too, which large turns of a wide lens need and poor clips "
                        "mislead.",
                    )
                ),
            ],
            outputs=[
                Camera.Output(display_name="camera"),
                io.String.Output(
                    display_name="report",
                    tooltip="How far the camera went, and how well turning and zooming explain it.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, images, fov, smoothing, perspective=False) -> io.NodeOutput:
        found = path_of_clip(images, fov, smoothing, perspective)
        report = found.describe()
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(found.path, report)


def path_of_clip(
    images: torch.Tensor, fov: float, smoothing: float, perspective: bool
) -> FittedPath:
    """`images` (T, H, W, C) in 0..1. Raises ValueError for less than two frames."""
    if len(images) < 2:
        raise ValueError(
            f"The clip has {len(images)} frame: connect at least 2 frames of a moving camera."
        )
    height, width = images.shape[1:3]
    frames = (composite(images).clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    model = "homography" if perspective else "similarity"
    matrices = torch.from_numpy(estimate_homographies(np.ascontiguousarray(frames), model))
    return fit_path(matrices, height / width, fov, smoothing)


NODES = (SVDCameraFromVideo,)
