"""Guidance and the denoising run."""

from __future__ import annotations

import math

import comfy.samplers
from comfy_api.latest import io

from ..models.patches.guidance import with_guidance, with_guidance_plan
from ..sampling.few_step import SCHEDULES as FEW_STEP_SCHEDULES
from ..sampling.guidance import PRESETS, FrameGuidance, GuidancePlan, GuidanceShape
from ..sampling.sigmas import SCHEDULES
from .memory_events import MemoryEvents
from .report import show
from .run_sampler import SamplerSettings, preset_of, run_sampler
from .schema import advanced, schema, seed_input

CUSTOM = "custom"
FOR_MODEL = "for this model"


class SVDGuidance(io.ComfyNode):
    """One guidance scale a frame: little where the picture is, more further away."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioGuidance",
            display_name="SVD Guidance",
            description="Guide every frame by its own scale. Works with SVD Sampler and with "
            "ComfyUI's samplers, whose cfg is then not used.",
            search_aliases=["VideoLinearCFGGuidance", "VideoTriangleCFGGuidance", "cfg"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model."),
                io.Combo.Input(
                    "preset",
                    options=[FOR_MODEL, CUSTOM, *PRESETS],
                    default=FOR_MODEL,
                    tooltip="Scales of the reference configurations: svd 1 to 2.5, "
                    "svd_xt 1.5 to 3, diffusers 1 to 3. custom uses the three inputs "
                    "below.",
                ),
                io.Float.Input(
                    "first_frame_scale",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="custom: scale at the first frame. 1 is no guidance.",
                ),
                io.Float.Input(
                    "last_frame_scale",
                    default=2.5,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="custom: scale at the last frame (linear), in the middle "
                    "(triangle) or everywhere (constant).",
                ),
                io.Combo.Input(
                    "shape",
                    options=[shape.value for shape in GuidanceShape],
                    default=GuidanceShape.LINEAR.value,
                    tooltip="custom: linear rises to the last frame, triangle peaks in "
                    "the middle (for loops), constant is the same everywhere.",
                ),
                advanced(
                    io.Float.Input(
                        "start_sigma",
                        default=0.0,
                        min=0.0,
                        max=1000.0,
                        step=0.5,
                        tooltip="Guide from this noise down; 0: from the start. A step above it "
                        "costs half and changes the film.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "end_sigma",
                        default=0.0,
                        min=0.0,
                        max=1000.0,
                        step=0.1,
                        round=0.001,
                        tooltip="Guide down to this noise; 0: to the end. A step below it costs "
                        "half.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "carry",
                        default=1.0,
                        min=1.0,
                        max=100.0,
                        step=0.1,
                        tooltip="The unconditional pass runs again when noise has fallen by this "
                        "factor, and what it changed is carried on between: fewer evaluations, "
                        "another film. 1: at every step, exactly.",
                    )
                ),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(
        cls,
        model,
        preset,
        first_frame_scale,
        last_frame_scale,
        shape,
        start_sigma=0.0,
        end_sigma=0.0,
        carry=1.0,
    ) -> io.NodeOutput:
        if preset == CUSTOM:
            guidance = FrameGuidance(first_frame_scale, last_frame_scale, GuidanceShape(shape))
        else:
            guidance = preset_of(model) if preset == FOR_MODEL else PRESETS[preset]
        plan = GuidancePlan(start_sigma or math.inf, end_sigma, carry)
        model = with_guidance(model, guidance)
        return io.NodeOutput(model if plan.is_everything else with_guidance_plan(model, plan))


class SVDSampler(io.ComfyNode):
    """Core's samplers over a range of sigma that the user can see and set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioSampler",
            display_name="SVD Sampler",
            description="Denoise the film. Without SVD Guidance, the model's own preset is used.",
            search_aliases=["KSampler"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model or SVD Guidance."),
                io.Conditioning.Input("positive", tooltip="From SVD Conditioning."),
                io.Conditioning.Input("negative", tooltip="From SVD Conditioning."),
                io.Latent.Input("latent", tooltip="From SVD Conditioning; sets size and frames."),
                seed_input(),
                io.Int.Input(
                    "steps",
                    default=25,
                    min=1,
                    max=1000,
                    tooltip="Evaluations of the model, twice that with guidance. 25 with "
                    "karras; align-your-steps is made for 10.",
                ),
                io.Combo.Input(
                    "schedule",
                    options=[*SCHEDULES, *FEW_STEP_SCHEDULES],
                    default="karras",
                    tooltip="How sigma falls. karras: SVD's reference. align-your-steps: NVIDIA's "
                    "table for SVD, for few steps. svd-studio: ours, measured on svd-mini. "
                    "animatelcm, tdd: for weights of that kind only.",
                ),
                io.Combo.Input(
                    "sampler",
                    options=comfy.samplers.SAMPLER_NAMES,
                    default="euler",
                    tooltip="euler is SVD's reference.",
                ),
                advanced(
                    io.Float.Input(
                        "start_sigma",
                        default=0.0,
                        min=0.0,
                        max=1000.0,
                        step=0.5,
                        tooltip="Noise to start from; 0: all of it (700). Motion is "
                        "decided below 100: a start at 100 gives more of it.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "end_sigma",
                        default=0.0,
                        min=0.0,
                        max=1000.0,
                        step=0.001,
                        round=0.001,
                        tooltip="Noise to stop at; 0: none is left. Above 0 the latent "
                        "stays noisy, for another sampler to finish without adding noise.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "cfg",
                        default=2.5,
                        min=0.0,
                        max=100.0,
                        step=0.1,
                        tooltip="Only for guidance that another node put on the model, "
                        "such as VideoLinearCFGGuidance.",
                    )
                ),
                advanced(
                    io.Boolean.Input(
                        "add_noise",
                        default=True,
                        tooltip="Off: the latent is noisy already, from a sampler that stopped at "
                        "this one's start sigma.",
                    )
                ),
                io.Sigmas.Input(
                    "sigmas",
                    optional=True,
                    tooltip="A schedule from another node, in place of steps, "
                    "schedule, start and end.",
                ),
            ],
            outputs=[
                io.Latent.Output(display_name="latent"),
                io.String.Output(
                    display_name="report",
                    tooltip="What was run, how long it took, and the memory that it needed.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model,
        positive,
        negative,
        latent,
        seed,
        steps,
        schedule,
        sampler,
        start_sigma,
        end_sigma,
        cfg,
        add_noise,
        sigmas=None,
    ) -> io.NodeOutput:
        settings = SamplerSettings(
            seed, steps, schedule, sampler, start_sigma, end_sigma, cfg, add_noise
        )
        node_id = cls.hidden.unique_id if cls.hidden else None
        events = MemoryEvents(node_id)
        latent, report = run_sampler(model, positive, negative, latent, settings, sigmas, events)
        show(report, node_id)
        return io.NodeOutput(latent, report, ui=events.ui())


NODES = (SVDGuidance, SVDSampler)
