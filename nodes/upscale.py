"""Larger frames."""

from __future__ import annotations

from comfy_api.latest import io

from ..video.upscale.ladder import Precision
from ..video.upscale.sizes import Rule, Target
from ..video.upscale.step import Upscale
from .file_choice import is_offered
from .frames import Frames, as_stream, frames_input
from .report import show
from .run_upscale import (
    FOLDER,
    WITHOUT,
    OnDevice,
    check_precision,
    chosen_upscaler,
    model_names,
    upscale_report,
)
from .schema import advanced, schema


class SVDUpscale(io.ComfyNode):
    """Frames of an exact size, through any upscaler, as they are pulled."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioUpscale",
            display_name="SVD Upscale",
            description="Make frames larger with any upscale model, to an exact size, one after "
            "the other as the film is written: memory does not grow with the film's length.",
            search_aliases=["4K", "ESRGAN", "super resolution", "Upscale Image (using Model)"],
            inputs=[
                frames_input("The film: frames of an SVD node, or images."),
                io.UpscaleModel.Input(
                    "upscale_model",
                    optional=True,
                    tooltip="From Load Upscale Model. Connected, it is used instead of model_name.",
                ),
                io.Combo.Input(
                    "model_name",
                    options=model_names(),
                    default=WITHOUT,
                    tooltip="A file in models/upscale_models; in .pth files only weights are read. "
                    "Lanczos needs no file and invents no detail.",
                ),
                io.Combo.Input(
                    "target",
                    options=[target.value for target in Target],
                    default=Target.OWN.value,
                    tooltip="The size of the film. The network runs as often as it needs, and the "
                    "rest is Lanczos. Upright frames get 1080p, 1440p, UHD and DCI upright.",
                ),
                io.Int.Input(
                    "width",
                    default=1920,
                    min=0,
                    max=16384,
                    tooltip="For the target custom. 0: follows from the height.",
                ),
                io.Int.Input(
                    "height",
                    default=1080,
                    min=0,
                    max=16384,
                    tooltip="For the target custom. 0: follows from the width.",
                ),
                io.Combo.Input(
                    "rule",
                    options=[rule.value for rule in Rule],
                    default=Rule.CROP.value,
                    tooltip="Where proportions differ: crop cuts edges, pad adds black bars, fit "
                    "stays inside without bars, stretch distorts.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="The network's share; the rest is Lanczos. Lower it where detail "
                    "looks invented or flickers.",
                ),
                *_memory_inputs(),
            ],
            outputs=[
                Frames.Output(display_name="frames"),
                io.String.Output(
                    display_name="report", tooltip="Sizes, and how often the network runs."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, model_name) -> bool | str:
        return is_offered(model_name, model_names(), FOLDER)

    @classmethod
    def execute(
        cls,
        frames,
        model_name,
        target,
        width,
        height,
        rule,
        strength,
        precision=Precision.AUTO.value,
        tile=0,
        memory_gib=0.0,
        upscale_model=None,
    ) -> io.NodeOutput:
        upscaler = chosen_upscaler(upscale_model, model_name)
        precision, room = Precision(precision), OnDevice(upscaler, memory_gib)
        check_precision(upscaler, precision)
        size = (Target(target), Rule(rule), (width, height))
        step = Upscale(upscaler, *size, strength, precision, tile, room)
        stream = as_stream(frames)
        report = upscale_report(step, stream.clip)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(stream.then(step), report)


def _memory_inputs() -> list[io.Input]:
    return [
        advanced(
            io.Combo.Input(
                "precision",
                options=[precision.value for precision in Precision],
                default=Precision.AUTO.value,
                optional=True,
                tooltip="auto: fp16 on NVIDIA and AMD cards for networks that allow it, else fp32. "
                "Choose fp32 where colours break, bf16 on CPUs with AMX: several times as fast.",
            )
        ),
        advanced(
            io.Int.Input(
                "tile",
                default=0,
                min=0,
                max=8192,
                step=32,
                optional=True,
                tooltip="The longest side of a tile, in pixels of the frames that come in. 0: as "
                "large as memory allows, which is fastest and has the fewest seams.",
            )
        ),
        advanced(
            io.Float.Input(
                "memory_gib",
                default=0.0,
                min=0.0,
                max=1024.0,
                step=0.25,
                optional=True,
                tooltip="GiB for activations, beside the network's weights. 0: what is free when "
                "frames are pulled.",
            )
        ),
    ]


NODES = (SVDUpscale,)
