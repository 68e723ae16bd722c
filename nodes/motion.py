"""How much moves, and when."""

from __future__ import annotations

from enum import Enum

from comfy_api.latest import io

from ..models.patches.frame_curves import tell_curves, with_frame_curves
from ..sampling.camera import Ease
from ..sampling.frame_curves import FrameCurve, MotionCurves, SpeedCurve, parse_curve
from ..sampling.motion_presets import FULL_NOISE, PRESETS, MotionPreset
from .report import show
from .schema import advanced, schema

CUSTOM = "custom"


class Reading(str, Enum):
    """What the values of a motion bucket curve mean."""

    SPEED = "speed"
    AS_WRITTEN = "as written"


class SVDMotionCurves(io.ComfyNode):
    """Motion bucket and augmentation level of every frame."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioMotionCurves",
            display_name="SVD Motion Curves",
            description="Let motion rise and fall over the film: SVD takes a motion bucket for "
            "every frame. Connect all three outputs. Works with SVD Sampler and with ComfyUI's "
            "samplers.",
            search_aliases=["motion_bucket_id schedule", "motion keyframes", "speed ramp"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                io.Conditioning.Input("positive", tooltip="From SVD Conditioning."),
                io.Conditioning.Input("negative", tooltip="From SVD Conditioning."),
                io.String.Input(
                    "motion_bucket_curve",
                    default="40, 160",
                    placeholder="0:40 0.5:127 1:200",
                    tooltip="Motion bucket, 0 to 1023. 127: everywhere; 40, 160: from first frame "
                    "to last; 0:20 0.4:20 1:160: at times, 0 first frame, 1 last. Empty: as in "
                    "SVD Conditioning. SVD was trained with one bucket a film, so it follows in "
                    "tendency.",
                ),
                io.Combo.Input(
                    "reading",
                    options=[reading.value for reading in Reading],
                    default=Reading.SPEED.value,
                    tooltip="speed: how fast it moves at each frame, so that a falling curve "
                    "slows down. as written: each frame is told its value itself; svd-mini takes "
                    "that for how far from the picture the frame is, and goes back where the "
                    "curve falls.",
                ),
                io.Combo.Input(
                    "ease",
                    options=[ease.value for ease in Ease],
                    default=Ease.LINEAR.value,
                    tooltip="How every value of both curves is reached from the one before. jump "
                    "holds until the next.",
                ),
                io.String.Input(
                    "augmentation_curve",
                    default="",
                    placeholder="0.02, 0.1",
                    tooltip="What each frame is told of the noise on the picture, 0 to 10; written "
                    "like the motion bucket. It adds no noise: SVD Conditioning did, the same for "
                    "all frames. Told of more than there is, a frame trusts the picture less. "
                    "Empty: as in SVD Conditioning.",
                ),
            ],
            outputs=[
                io.Model.Output(),
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
            ],
        )

    @classmethod
    def execute(
        cls, model, positive, negative, motion_bucket_curve, reading, ease, augmentation_curve
    ) -> io.NodeOutput:
        buckets = _curve(motion_bucket_curve, "Motion bucket curve", 1023, ease)
        if buckets and Reading(reading) is Reading.SPEED:
            buckets = SpeedCurve(buckets)
        curves = MotionCurves(buckets, _curve(augmentation_curve, "Augmentation curve", 10, ease))
        told = [tell_curves(conditioning, curves) for conditioning in (positive, negative)]
        return io.NodeOutput(with_frame_curves(model), *told)


def _curve(text: str, name: str, highest: float, ease: str) -> FrameCurve | None:
    return parse_curve(text, name, 0, highest, Ease(ease)) if text.strip() else None


class SVDMotionPreset(io.ComfyNode):
    """Settings for a kind of shot, to wire into the widgets of the nodes that take them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioMotionPreset",
            display_name="SVD Motion Preset",
            description="How much moves in a kind of shot. Connect motion_bucket_id and "
            "augmentation_level to SVD Conditioning, start_sigma to SVD Sampler.",
            search_aliases=["motion strength", "motion slider", "SVD Styler"],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=[*PRESETS, CUSTOM],
                    default="landscape",
                    tooltip="still life: the camera stands. portrait: the person moves more than "
                    "the camera. product: a slow camera, nothing deforms. landscape: a travelling "
                    "camera. action: much of everything. custom uses the three inputs below.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    display_mode=io.NumberDisplay.slider,
                    tooltip="1: the preset; 0: as still as SVD goes; 2: twice as lively, as far "
                    "as pictures hold together.",
                ),
                advanced(
                    io.Int.Input(
                        "motion_bucket_id",
                        default=127,
                        min=0,
                        max=1023,
                        tooltip="custom: bucket at strength 1.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "augmentation_level",
                        default=0.02,
                        min=0.0,
                        max=10.0,
                        step=0.01,
                        tooltip="custom: noise on the picture at strength 1.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "start_sigma",
                        default=FULL_NOISE,
                        min=1.0,
                        max=FULL_NOISE,
                        step=1.0,
                        tooltip="custom: noise to start from at strength 1; 700 is all of it.",
                    )
                ),
            ],
            outputs=[
                io.Int.Output(display_name="motion_bucket_id", tooltip="For SVD Conditioning."),
                io.Float.Output(display_name="augmentation_level", tooltip="For SVD Conditioning."),
                io.Float.Output(display_name="start_sigma", tooltip="For SVD Sampler."),
                io.String.Output(
                    display_name="report", tooltip="The settings, and why they are so."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, preset, strength, motion_bucket_id, augmentation_level, start_sigma
    ) -> io.NodeOutput:
        own = MotionPreset(motion_bucket_id, augmentation_level, start_sigma, "Your own.")
        motion = (own if preset == CUSTOM else PRESETS[preset]).at_strength(strength)
        report = motion.describe()
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(
            motion.motion_bucket_id, motion.augmentation_level, motion.start_sigma, report
        )


NODES = (SVDMotionCurves, SVDMotionPreset)
