"""A light that crosses a still picture, for SVD to follow."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..sampling.conditioning import FilmShape, first_picture
from ..sampling.easing import SLOPES, Ease
from ..sampling.framing import Fit, composite, fit_picture
from ..sampling.guide import MotionGuide
from ..sampling.light_sweep import COLDEST, DAYLIGHT, WARMEST, LightSweep, lit_part, sweep
from ..video.pictures.srgb import linear_to_srgb, srgb_to_linear
from .apply_guide import Guide
from .condition import film_shape
from .schema import advanced, schema


class SVDLightSweep(io.ComfyNode):
    """The light moves, and the camera stands still."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioLightSweep",
            display_name="SVD Light Sweep",
            description="A soft band of light crosses the picture, as over a product on a stage. "
            "Wire the guide into SVD Apply Guide, and SVD films it.",
            search_aliases=["relight", "glint", "shine", "product shot", "b-roll", "SVD_GUIDE"],
            inputs=[
                io.Vae.Input("vae", tooltip="From Load SVD Model: it knows the model's own size."),
                io.Image.Input("image", tooltip="The picture that SVD Conditioning gets too."),
                *_band_inputs(),
                _sheen_input(),
                *_time_inputs(),
                *_film_inputs(),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the light falls, such as the product. Of the picture's "
                    "proportions. Without one, or with an empty one, everywhere.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="frames", tooltip="The picture under the light, to look at."
                ),
                Guide.Output(display_name="guide", tooltip="For SVD Apply Guide."),
            ],
        )

    @classmethod
    def execute(
        cls, vae, image, direction, band, strength, kelvin, sheen, start, end, ease, width, height,
        frames, fit, mask=None,
    ) -> io.NodeOutput:  # fmt: skip
        lamp = LightSweep(direction, band, strength, kelvin, sheen, start, end, Ease(ease))
        film = film_shape(vae, width, height, frames)
        guide = light_guide(image, mask, lamp, film, Fit(fit))
        return io.NodeOutput(guide.frames, guide)


def light_guide(
    image: torch.Tensor, mask: torch.Tensor | None, lamp: LightSweep, film: FilmShape, fit: Fit
) -> MotionGuide:
    """The first picture of `image` under the lamp, at the film's size and length; no holes."""
    picture = composite(first_picture(image))
    still = fit_picture(picture, film.width, film.height, fit)[0].float()
    if mask is None or not mask.any():
        mask = torch.ones(1, *picture.shape[1:3])  # but not the bars of contain
    where = lit_part(mask, picture, film, fit)
    frames = linear_to_srgb(sweep(srgb_to_linear(still), lamp, film.num_frames, where))
    # Frame 0 is the picture to the last bit, whatever rounding made of it.
    frames[0] = still
    return MotionGuide(frames, torch.zeros(frames.shape[:3]))


def _band_inputs() -> list:
    return [
        io.Float.Input(
            "direction",
            default=-20.0,
            min=-360.0,
            max=360.0,
            step=5.0,
            tooltip="Where the light goes, in degrees: 0 to the right, 90 up, 180 to the left, "
            "-90 down. At -20 it goes to the right and leans like a slash.",
        ),
        io.Float.Input(
            "band",
            default=0.4,
            min=0.02,
            max=4.0,
            step=0.02,
            tooltip="Width of the band, of the picture's. 0.1: a glint, 1: a lamp passing by. Its "
            "edges are always soft.",
        ),
        io.Float.Input(
            "strength",
            default=1.5,
            min=0.0,
            max=6.0,
            step=0.1,
            tooltip="How many stops brighter its middle is; each doubles the light. Bright parts "
            "go towards white like film, and are not clipped.",
        ),
        io.Float.Input(
            "kelvin",
            default=DAYLIGHT,
            min=WARMEST,
            max=COLDEST,
            step=100.0,
            tooltip="Colour of the light: 2700 warm lamp, 4000 neutral lamp, 6500 white, 9000 blue "
            "sky.",
        ),
    ]


def _sheen_input() -> io.Input:
    return advanced(
        io.Float.Input(
            "sheen",
            default=0.01,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="Light that the surface mirrors whatever its colour, so that black things "
            "shine too: 0 cloth, 0.01 plastic or glass, 0.1 polished metal. More lies over the "
            "picture like mist.",
        )
    )


def _time_inputs() -> list:
    return [
        io.Float.Input(
            "start",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="When the light comes in: 0 is the first frame, which stays as it is.",
        ),
        io.Float.Input(
            "end",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="When it has left: 1 is the last frame.",
        ),
        io.Combo.Input(
            "ease",
            options=[ease.value for ease in SLOPES],
            default=Ease.LINEAR.value,
            tooltip="linear: at the same speed all the way. ease in starts slowly, ease out ends "
            "slowly, ease in-out both.",
        ),
    ]


def _film_inputs() -> list:
    sides = [
        io.Int.Input(
            side,
            default=0,
            min=0,
            max=16384,
            step=8,
            tooltip="As in SVD Conditioning. 0: the model's own.",
        )
        for side in ("width", "height")
    ]
    return [
        *sides,
        io.Int.Input(
            "frames",
            default=0,
            min=0,
            max=1000,
            tooltip="As in SVD Conditioning. 0: the model's own.",
        ),
        io.Combo.Input(
            "fit",
            options=[fit.value for fit in Fit],
            default=Fit.COVER.value,
            tooltip="As in SVD Conditioning.",
        ),
    ]


NODES = (SVDLightSweep,)
