"""Colour and finish."""

from __future__ import annotations

from comfy_api.latest import io

from ..video.look.fades import Fade, FadeTo, frames_of
from ..video.look.grain import Grain
from ..video.look.letterbox import Letterbox, Screen
from ..video.look.match_colour import MatchColour, Method
from ..video.look.sharpen import Sharpen
from ..video.rate import exact_rate
from ..video.stream import FrameStream, Step
from .frames import Frames, as_stream, frames_input
from .schema import advanced, schema, seed_input


class SVDMatchColour(io.ComfyNode):
    """A film in the colours of a picture, or of its own first frame throughout."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioMatchColour",
            display_name="SVD Match Colour",
            description="Bring every frame's colours to those of a picture, or hold a film that "
            "drifts at its first frame's. The correction is smooth in time. Use it after SVD "
            "Interpolate and before SVD Film Look.",
            search_aliases=["color match", "color transfer", "colour drift", "Reinhard", "Lab"],
            inputs=[
                frames_input("The film, as frames that are pulled or as images."),
                io.Image.Input(
                    "reference",
                    optional=True,
                    tooltip="The picture to match, such as the one the film was made from; the "
                    "first of a batch. Without one it is the film's first frame.",
                ),
                io.Combo.Input(
                    "method",
                    options=[method.value for method in Method],
                    default=Method.MEAN_STD.value,
                    tooltip="mean and contrast is gentle and suits most films. histogram matches "
                    "every tone; choose it when both show the same scene.",
                ),
                _strength(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, frames, method, strength, reference=None) -> io.NodeOutput:
        picture = None if reference is None else reference[0]
        return _finished(as_stream(frames), MatchColour(picture, Method(method), strength))


class SVDFilmLook(io.ComfyNode):
    """Sharpening, grain, bars and fades, in that order."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioFilmLook",
            display_name="SVD Film Look",
            description="Sharpening, film grain, black bars and fades, in that order. The last "
            "step before SVD Write Video: grain and bars must not be interpolated.",
            search_aliases=["film grain", "sharpen", "letterbox", "fade", "bars", "unsharp"],
            inputs=[
                frames_input("The film, as frames that are pulled or as images."),
                *_texture_inputs(),
                io.Combo.Input(
                    "letterbox",
                    options=[screen.value for screen in Screen],
                    default=Screen.NONE.value,
                    tooltip="Black bars to this ratio; the picture is covered, not scaled.",
                ),
                *_fade_inputs(),
                seed_input(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls, frames, grain, grain_size, sharpen, sharpen_radius, letterbox, fade_in, fade_out,
        fade_to, fps, seed,
    ) -> io.NodeOutput:  # fmt: skip
        stream = as_stream(frames)
        rate = exact_rate(fps) if fps else stream.clip.rate
        fades = (frames_of(seconds, rate) for seconds in (fade_in, fade_out))
        steps = (
            Sharpen(sharpen, sharpen_radius) if sharpen else None,
            Grain(grain / 100, grain_size, seed) if grain else None,
            Letterbox(Screen(letterbox)) if Screen(letterbox) is not Screen.NONE else None,
            Fade(*fades, FadeTo(fade_to)) if fade_in or fade_out else None,
        )
        return _finished(stream, *filter(None, steps))


def _finished(stream: FrameStream, *steps: Step) -> io.NodeOutput:
    for step in steps:
        stream = stream.then(step)
    return io.NodeOutput(stream, "\n".join(stream.describe()))


def _outputs() -> list:
    return [
        Frames.Output(display_name="frames", tooltip="For SVD Write Video."),
        io.String.Output(display_name="report", tooltip="The film's way so far."),
    ]


def _strength() -> io.Float.Input:
    return io.Float.Input(
        "strength",
        default=1.0,
        min=0.0,
        max=1.0,
        step=0.05,
        tooltip="Lower it where the match is too much. 0 changes nothing.",
    )


def _texture_inputs() -> list:
    return [
        io.Float.Input(
            "grain",
            default=2.0,
            min=0.0,
            max=30.0,
            step=0.1,
            tooltip="Strength in the mid-tones, in % of white; black and white stay clean. Hides "
            "banding and the smoothness of upscaled pictures.",
        ),
        io.Float.Input(
            "grain_size",
            default=1.5,
            min=1.0,
            max=16.0,
            step=0.1,
            tooltip="Pixels across a grain. Twice as much for a film twice as large.",
        ),
        io.Float.Input(
            "sharpen",
            default=0.0,
            min=0.0,
            max=5.0,
            step=0.05,
            tooltip="Fine contrast that is added; 0.3 to 0.6 is plenty. No halos are made.",
        ),
        advanced(
            io.Float.Input(
                "sharpen_radius",
                default=1.0,
                min=0.1,
                max=10.0,
                step=0.1,
                tooltip="Pixels. Higher values sharpen coarser detail.",
            )
        ),
    ]


def _fade_inputs() -> list:
    seconds = {"default": 0.0, "min": 0.0, "max": 60.0, "step": 0.1}
    return [
        io.Float.Input("fade_in", **seconds, tooltip="Seconds from black to clear. 0: none."),
        io.Float.Input("fade_out", **seconds, tooltip="Seconds from clear to black. 0: none."),
        advanced(
            io.Combo.Input(
                "fade_to",
                options=[colour.value for colour in FadeTo],
                default=FadeTo.BLACK.value,
                tooltip="What the film comes from and goes to.",
            )
        ),
        advanced(
            io.Float.Input(
                "fps",
                default=0.0,
                min=0.0,
                max=1000.0,
                step=0.001,
                round=False,
                tooltip="To count the fades' seconds by. 0: the film's own, which images lack.",
            )
        ),
    ]


NODES = (SVDMatchColour, SVDFilmLook)
