"""More frames between the frames: a higher rate, slow motion, a chosen length, a closed loop."""

from __future__ import annotations

from fractions import Fraction

from comfy_api.latest import io

from ..video.interpolate.plan import LastFrame, Timing
from ..video.rate import exact_rate
from .file_choice import is_offered
from .frames import Frames, as_stream, frames_input
from .report import show
from .run_interpolate import FOLDER, SCALES, choose_drawer, interpolate, list_networks
from .schema import advanced, schema

FACTOR, TARGET = "factor", "target rate"
LAST_FRAMES = {
    "hold (keeps the duration)": LastFrame.HOLD,
    "shorter (ends with it)": LastFrame.SHORTER,
}
THOUSANDTHS = 1000


class SVDInterpolate(io.ComfyNode):
    """Frames between frames, drawn as they are pulled."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioInterpolate",
            display_name="SVD Interpolate",
            description="Draw frames between the frames, with RIFE, FILM or optical flow. By a "
            "factor or to an exact rate, with slow motion and loops. Nothing is drawn over a "
            "scene cut. Frames are made when they are pulled, so any length fits in memory.",
            search_aliases=["RIFE", "FILM", "VFI", "frame interpolation", "slow motion", "fps"],
            inputs=[
                frames_input("The film, as frames that are pulled or as a batch of images."),
                io.Custom("INTERP_MODEL").Input(
                    "interp_model",
                    optional=True,
                    tooltip="From ComfyUI's Load Frame Interpolation Model (0.20 and newer), for "
                    "FILM. Goes before model_name.",
                ),
                io.Combo.Input(
                    "model_name",
                    options=list_networks(),
                    tooltip="A RIFE 4.0 to 4.26 of models/frame_interpolation, recognised by its "
                    "weights. Optical flow needs no file, and is a little less exact.",
                ),
                io.Combo.Input(
                    "mode",
                    options=[FACTOR, TARGET],
                    default=FACTOR,
                    tooltip="factor: so many times as many frames. target rate: as many as "
                    "target_fps needs.",
                ),
                io.Int.Input(
                    "factor",
                    default=2,
                    min=1,
                    max=64,
                    tooltip="For mode factor: frames for each frame. 1 draws none.",
                ),
                io.Float.Input(
                    "target_fps",
                    default=24.0,
                    min=0.1,
                    max=1000.0,
                    step=0.001,
                    round=False,
                    tooltip="For mode target rate. 23.976, 29.97 and 59.94 are taken as exactly "
                    "24000/1001, 30000/1001 and 60000/1001.",
                ),
                *_length_inputs(),
                *_end_inputs(),
                *_guard_inputs(),
            ],
            outputs=[
                Frames.Output(display_name="frames"),
                io.Float.Output(
                    display_name="fps", tooltip="Frames per second; 0 where nobody knows it."
                ),
                io.String.Output(display_name="report", tooltip="What comes from where."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, model_name) -> bool | str:
        return is_offered(model_name, list_networks(), FOLDER)

    @classmethod
    def execute(
        cls,
        frames,
        model_name,
        mode,
        factor,
        target_fps,
        source_fps,
        seconds,
        speed,
        last_frame,
        loop,
        scene_cut,
        scale,
        interp_model=None,
    ) -> io.NodeOutput:
        rate = exact_rate(target_fps) if mode == TARGET else None
        timing = ask_timing(rate, factor, source_fps, seconds, speed, last_frame, loop)
        drawer = choose_drawer(interp_model, model_name, scale)
        stream, fps, report = interpolate(as_stream(frames), drawer, timing, scene_cut)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(stream, fps, report)


def ask_timing(
    rate: Fraction | None,
    factor: int,
    source_fps: float,
    seconds: float,
    speed: float,
    last_frame: str,
    loop: bool,
) -> Timing:
    """The widgets as exact numbers; 0 says nothing."""
    return Timing(
        factor,
        rate,
        _thousandths(seconds) if seconds else None,
        _thousandths(speed),
        LAST_FRAMES[last_frame],
        loop,
        exact_rate(source_fps) if source_fps else None,
    )


def _thousandths(number: float) -> Fraction:
    return Fraction(round(number * THOUSANDTHS), THOUSANDTHS)


def _length_inputs() -> list[io.Input]:
    """How fast the film is, and how long it is to be."""
    return [
        io.Float.Input(
            "source_fps",
            default=0.0,
            min=0.0,
            max=1000.0,
            step=0.001,
            round=False,
            tooltip="The film's own frames per second; 0: what the frames know. A batch of images "
            "knows none: SVD's is 7.",
        ),
        io.Float.Input(
            "seconds",
            default=0.0,
            min=0.0,
            max=3600.0,
            step=0.1,
            round=False,
            tooltip="Spread the whole film over so many seconds; 0: as long as it is.",
        ),
        io.Float.Input(
            "speed",
            default=1.0,
            min=0.05,
            max=4.0,
            step=0.05,
            tooltip="0.5 is slow motion, twice as long. Sound goes only with speed 1.",
        ),
    ]


def _end_inputs() -> list[io.Input]:
    """What comes after the last frame."""
    return [
        io.Combo.Input(
            "last_frame",
            options=list(LAST_FRAMES),
            default=next(iter(LAST_FRAMES)),
            tooltip="The last frame has no next one. hold shows it for as long as the others; "
            "shorter ends with it, with (n - 1) * factor + 1 frames.",
        ),
        io.Boolean.Input(
            "loop",
            default=False,
            tooltip="The last frame goes over into the first: for films from SVD Seamless Loop.",
        ),
    ]


def _guard_inputs() -> list[io.Input]:
    return [
        advanced(
            io.Float.Input(
                "scene_cut",
                default=0.3,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="Frames that differ more than this are two shots: nothing is drawn between "
                "them. Lower it where a cut is blended, raise it for flicker; 0 is off.",
            )
        ),
        advanced(
            io.Combo.Input(
                "scale",
                options=list(SCALES),
                default=SCALES[0],
                tooltip="The size at which RIFE looks for motion. auto: 1, above 2560 pixels 0.5, "
                "at 8K 0.25. Smaller finds faster motion and takes less memory.",
            )
        ),
    ]


NODES = (SVDInterpolate,)
