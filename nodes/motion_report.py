"""Did the camera obey? A film measured."""

from __future__ import annotations

import numpy as np
import torch
from comfy_api.latest import io

from ..sampling.camera import CameraPath
from ..sampling.framing import Fit, composite, fit_picture
from ..sampling.view import homographies
from ..video.camera_motion import GlobalMotion, overall_motion
from ..video.metrics import MotionReport, compare_with_command, measure_clip
from ..video.motion_plot import plot_motion
from ..video.motion_words import headline, words
from .report import show
from .schema import schema


class SVDMotionReport(io.ComfyNode):
    """Numbers and a plot for a film, with nothing but OpenCV."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioMotionReport",
            display_name="SVD Motion Report",
            description="Measure a film: pan, tilt, zoom and roll from frame to frame, against "
            "the camera that was asked for; what moves besides; flicker, sharpness, and whether it "
            "loops.",
            search_aliases=["camera motion", "optical flow", "measure", "metrics"],
            inputs=[
                io.Image.Input("images", tooltip="The film, before upscaling: two frames or more."),
                io.Custom("SVD_CAMERA").Input(
                    "camera",
                    optional=True,
                    tooltip="The path that the film should follow. Moves of the camera itself "
                    "(truck, dolly, orbit) are compared as of a plane.",
                ),
                io.Image.Input(
                    "picture",
                    optional=True,
                    tooltip="What the first frame should be; fitted to the film by cover.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="report", tooltip="The measures in words."),
                io.Image.Output(
                    display_name="plot", tooltip="Measured (line) and asked for (dashes)."
                ),
                io.Float.Output(
                    display_name="camera_speed",
                    tooltip="Mean motion of the whole picture, % of the width a frame.",
                ),
                io.Float.Output(
                    display_name="object_motion",
                    tooltip="Mean motion besides, % of the width a frame: things, and grain.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, images, camera=None, picture=None) -> io.NodeOutput:
        report, commanded = measure_film(images, camera, picture)
        scores = compare_with_command(report.curve, commanded) if commanded else ()
        text = words(report, scores)
        show(text, cls.hidden.unique_id if cls.hidden else None)
        plot = plot_motion(report.curve, commanded, headline(report, scores))
        speeds = (100 * report.global_speed, 100 * report.residual)
        return io.NodeOutput(text, torch.from_numpy(plot).float()[None] / 255, *speeds)


def measure_film(
    images: torch.Tensor, camera: CameraPath | None, picture: torch.Tensor | None
) -> tuple[MotionReport, tuple[GlobalMotion, ...] | None]:
    """The measures of a film (T, H, W, C), and what `camera` asks of as many frames."""
    frames = to_bytes(composite(images))
    height, width = frames.shape[1:3]
    first = None
    if picture is not None:
        first = to_bytes(fit_picture(composite(picture[:1]), width, height, Fit.COVER))[0]
    report = measure_clip(frames, first)
    if camera is None:
        return report, None
    matrices = homographies(camera, len(frames)).numpy()
    return report, tuple(overall_motion(matrix, height / width) for matrix in matrices)


def to_bytes(images: torch.Tensor) -> np.ndarray:
    return (images.clamp(0, 1) * 255).round().byte().cpu().numpy()


NODES = (SVDMotionReport,)
