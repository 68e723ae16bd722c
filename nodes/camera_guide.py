"""Making SVD follow a camera."""

from __future__ import annotations

from dataclasses import replace

import comfy.model_management
import torch
from comfy_api.latest import io

from ..sampling.camera import CameraPath
from ..sampling.conditioning import FilmShape, first_picture
from ..sampling.following import Method
from ..sampling.framing import Fit, composite
from ..sampling.guide import MotionGuide, render_guide
from ..sampling.scene import DEPTH_RANGE, depth_from_image, lay_out
from .apply_guide import Guide, following_inputs
from .condition import film_shape
from .report import show
from .run_camera_guide import FollowingSettings, apply_guide, bucket_for, describe_guide
from .schema import advanced, schema

Camera = io.Custom("SVD_CAMERA")


class SVDCameraGuide(io.ComfyNode):
    """A camera that stock weights obey."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCameraGuide",
            display_name="SVD Camera Guide",
            description="Move the camera along a path, on any SVD weights: the picture is warped "
            "as the camera would see it, and sampling follows that while motion is decided.",
            search_aliases=["camera control", "pan", "zoom", "dolly", "orbit", "time to move"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model."),
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Image.Input("image", tooltip="The picture that SVD Conditioning gets too."),
                Camera.Input("camera", tooltip="From SVD Camera Move or another camera node."),
                *following_inputs(),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="As in SVD Conditioning. 0: the model's own.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="As in SVD Conditioning. 0: the model's own.",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=1000,
                    tooltip="As in SVD Conditioning. 0: the model's own.",
                ),
                io.Float.Input(
                    "fps",
                    default=7.0,
                    min=1.0,
                    max=60.0,
                    step=1.0,
                    tooltip="As in SVD Conditioning; only for the motion bucket that is advised.",
                ),
                io.Combo.Input(
                    "fit",
                    options=[fit.value for fit in Fit],
                    default=Fit.COVER.value,
                    tooltip="As in SVD Conditioning. What cover cuts off, a pan finds again.",
                ),
                io.Image.Input(
                    "depth",
                    optional=True,
                    tooltip="Depth of this picture from any depth node: near things then move "
                    "more and cover far ones. Without it the picture is a plane at distance 1.",
                ),
                advanced(
                    io.Boolean.Input(
                        "near_is_white",
                        default=True,
                        tooltip="depth: off where far is white.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "depth_range",
                        default=DEPTH_RANGE,
                        min=1.1,
                        max=100.0,
                        step=0.1,
                        tooltip="depth: how many times further the furthest point is than the "
                        "nearest. Depth nodes do not say.",
                    )
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model"),
                io.Latent.Output(display_name="latent", tooltip="Sample from this one."),
                io.Image.Output(
                    display_name="guide frames",
                    tooltip="The way that was shown: rough, mirrored or blurred where the picture "
                    "ends.",
                ),
                io.Mask.Output(display_name="holes", tooltip="Where the model is free."),
                io.Int.Output(
                    display_name="motion_bucket_id",
                    tooltip="For SVD Conditioning: what fits this move.",
                ),
                Guide.Output(display_name="guide"),
                io.String.Output(
                    display_name="report",
                    tooltip="How the guide is followed, and what is more than SVD follows.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model,
        vae,
        image,
        camera,
        method,
        strength,
        start_sigma,
        end_sigma,
        holes_sigma,
        rounds,
        edge_softness,
        width,
        height,
        frames,
        fps,
        fit,
        near_is_white,
        depth_range,
        depth=None,
    ) -> io.NodeOutput:
        distance = None if depth is None else depth_from_image(depth, near_is_white, depth_range)
        film = film_shape(vae, width, height, frames)
        guide = guide_for(image, camera, film, Fit(fit), distance)
        settings = FollowingSettings(
            Method(method), strength, start_sigma, end_sigma, holes_sigma, rounds, edge_softness
        )
        patched, latent = apply_guide(model, vae, guide, settings)
        bucket = bucket_for(model, camera, guide.frames.shape, fps)
        report = describe_guide(patched, guide, flat=depth is None)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(patched, latent, guide.frames, guide.holes, bucket, guide, report)


def guide_for(
    image: torch.Tensor, camera: CameraPath, film: FilmShape, fit: Fit, depth: torch.Tensor | None
) -> MotionGuide:
    """The first picture of `image` on the camera's path, at the film's size and length."""
    picture = composite(first_picture(image))
    scene = lay_out(picture, film.width, film.height, fit, depth)
    scene = scene.on(comfy.model_management.get_torch_device())
    guide = render_guide(scene, camera, film.num_frames)
    return replace(guide, frames=guide.frames.cpu(), holes=guide.holes.cpu())


NODES = (SVDCameraGuide,)
