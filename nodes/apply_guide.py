"""Making SVD follow any clip that shows the way."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..sampling.following import Method
from ..sampling.framing import composite
from ..sampling.guide import MotionGuide
from .run_camera_guide import FollowingSettings, apply_guide
from .schema import advanced, schema

Guide = io.Custom("SVD_GUIDE")


def following_inputs() -> list:
    """How a guide is followed, and from which noise to which."""
    return [*_method_inputs(), *_sigma_inputs(), *_detail_inputs()]


def _method_inputs() -> list:
    return [
        io.Combo.Input(
            "method",
            options=[method.value for method in Method],
            default=Method.CLOCK.value,
            tooltip="clock (Time-to-Move): no extra evaluations, the default. refine "
            "(ViewExtrapolator): for large moves with much to make up, slower. warp (CamProbe): "
            "moves what the model imagines instead of showing it the way; things keep moving on "
            "their own, but the camera is obeyed less.",
        ),
        io.Float.Input(
            "strength",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="1 holds the guide firmly, less lets the model drift from it; 0 is no guide at "
            "all: the very film without this node.",
        ),
    ]


def _sigma_inputs() -> list:
    return [
        advanced(
            io.Float.Input(
                "start_sigma",
                default=0.0,
                min=0.0,
                max=700.0,
                step=0.5,
                tooltip="Noise at which the guide takes over; 0: the method's own (clock and "
                "refine 75, warp 100). SVD Sampler starts there: steps above would be lost. "
                "Higher frees the model more.",
            )
        ),
        advanced(
            io.Float.Input(
                "end_sigma",
                default=0.0,
                min=0.0,
                max=700.0,
                step=0.5,
                round=0.01,
                tooltip="Noise at which the guide lets go; 0: the method's own (clock 31, refine "
                "4, warp 20; 0.3 for svd-mini). Lower obeys more and moves less by itself.",
            )
        ),
        advanced(
            io.Float.Input(
                "holes_sigma",
                default=0.0,
                min=0.0,
                max=700.0,
                step=0.5,
                round=0.01,
                tooltip="clock: noise at which the model is free where the guide was made up "
                "(mirrored or blurred beyond the picture); 0: the model's own, from the start (1 "
                "for svd-mini). Lower keeps more of what was made up.",
            )
        ),
    ]


def _detail_inputs() -> list:
    return [
        advanced(
            io.Int.Input(
                "rounds",
                default=3,
                min=2,
                max=10,
                tooltip="refine: evaluations at each step under the guide. The report counts them.",
            )
        ),
        advanced(
            io.Int.Input(
                "edge_softness",
                default=1,
                min=0,
                max=8,
                tooltip="Over how many latent cells (8 pixels) the guide fades out towards "
                "where it knows nothing.",
            )
        ),
    ]


class SVDGuideFromFrames(io.ComfyNode):
    """Time-to-Move's other use: things cut out and dragged show the way."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioGuideFromFrames",
            display_name="SVD Guide From Frames",
            description="Use a rough clip as a guide: a cut-out dragged over the picture, a "
            "render, another film. The mask says where it counts.",
            search_aliases=["time to move", "cut and drag", "SVD_GUIDE"],
            inputs=[
                io.Image.Input(
                    "images", tooltip="One picture a frame, of the film's size and number."
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="1 where the clip shows the way, one mask for all frames or one each. "
                    "Without it, everywhere.",
                ),
            ],
            outputs=[Guide.Output(display_name="guide")],
        )

    @classmethod
    def execute(cls, images, mask=None) -> io.NodeOutput:
        return io.NodeOutput(guide_from_frames(images, mask))


class SVDApplyGuide(io.ComfyNode):
    """The second half of SVD Camera Guide, for a guide that exists already."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioApplyGuide",
            display_name="SVD Apply Guide",
            description="Make the model follow a guide, from SVD Guide From Frames or, with "
            "another method, from SVD Camera Guide.",
            search_aliases=["time to move"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model."),
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                Guide.Input("guide", tooltip="What to follow."),
                *following_inputs(),
            ],
            outputs=[
                io.Model.Output(display_name="model"),
                io.Latent.Output(display_name="latent", tooltip="Sample from this one."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model,
        vae,
        guide,
        method,
        strength,
        start_sigma,
        end_sigma,
        holes_sigma,
        rounds,
        edge_softness,
    ) -> io.NodeOutput:
        settings = FollowingSettings(
            Method(method), strength, start_sigma, end_sigma, holes_sigma, rounds, edge_softness
        )
        return io.NodeOutput(*apply_guide(model, vae, guide, settings))


def guide_from_frames(images: torch.Tensor, mask: torch.Tensor | None) -> MotionGuide:
    """Frames and what is not masked of them; ValueError when the sizes do not fit together."""
    frames, height, width = images.shape[:3]
    for side, value in (("width", width), ("height", height)):
        if value % 8:
            raise ValueError(f"The guide's {side} is {value}: resize it to a multiple of 8.")
    if mask is None:
        return MotionGuide(composite(images), torch.zeros(frames, height, width))
    if mask.shape[1:] != (height, width) or mask.shape[0] not in (1, frames):
        raise ValueError(
            f"The mask is {mask.shape[0]} of {mask.shape[2]}x{mask.shape[1]} for {frames} frames "
            f"of {width}x{height}: give one mask, or one a frame, of the frames' size."
        )
    return MotionGuide(composite(images), 1 - mask.expand(frames, -1, -1).float())


NODES = (SVDGuideFromFrames, SVDApplyGuide)
