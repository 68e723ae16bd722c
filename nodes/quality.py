"""One choice between quick and careful, spelled out for the sampler."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import comfy.samplers
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ..models.loader import info_of
from ..models.patches.fast_layers import with_fast_layers
from ..models.patches.few_step import few_step_of
from ..models.patches.guidance import with_guidance_plan
from ..models.patches.step_cache import with_step_cache
from ..sampling.few_step import SCHEDULES as FEW_STEP_SCHEDULES
from ..sampling.quality import MINIATURE_PRESETS, PRESETS, Quality
from ..sampling.sigmas import SCHEDULES
from .report import show
from .schema import choice_output, schema
from .step_cache import MOST_BLOCKS

CUSTOM = "custom"
MINIATURE = "svd-mini"


class SVDQualityPreset(io.ComfyNode):
    """Steps, schedule, sampler and the range of guidance, as measured together."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioQualityPreset",
            display_name="SVD Quality Preset",
            description="Choose between quick and careful. Connect model, steps, schedule and "
            "sampler to SVD Sampler's inputs of these names; the inputs below show what a preset "
            "means, and custom takes what they say.",
            search_aliases=["fast", "turbo", "speed", "draft", "preview", "LCM"],
            inputs=[
                io.Model.Input("model", tooltip="After SVD Guidance and SVD LoRA, if there are."),
                _preset_input(),
                *_shown_inputs(),
            ],
            outputs=[
                io.Model.Output(tooltip="Guided in the preset's range of noise alone."),
                io.Int.Output(display_name="steps", tooltip="For steps of SVD Sampler."),
                choice_output(display_name="schedule", tooltip="For schedule of SVD Sampler."),
                choice_output(
                    display_name="sampler",
                    tooltip="For sampler of SVD Sampler.",
                ),
                io.String.Output(display_name="report", tooltip="What was chosen, in words."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model,
        preset,
        fast_layers,
        **custom: Any,  # noqa: ANN401 - the fields of Quality
    ) -> io.NodeOutput:
        quality = Quality(**custom) if preset == CUSTOM else quality_for(model, preset)
        report = f"{preset}: {quality.describe()}"
        show(report, cls.hidden.unique_id if cls.hidden else None)
        model = with_guidance_plan(model, quality.guidance)
        model = with_step_cache(model, quality.step_cache)
        model = with_fast_layers(model) if fast_layers else model
        return io.NodeOutput(model, quality.steps, quality.schedule, quality.sampler, report)


def quality_for(model: ModelPatcher, preset: str) -> Quality:
    """What a preset means for these weights."""
    few_step, info = few_step_of(model), info_of(model)
    if few_step:
        return PRESETS[preset].for_few_step(few_step)
    return (MINIATURE_PRESETS if info and info.variant == MINIATURE else PRESETS)[preset]


def _preset_input() -> io.Combo.Input:
    preset = io.Combo.Input(
        "preset",
        options=[*PRESETS, CUSTOM],
        default="standard",
        tooltip="draft: to choose a picture and a move. fast: to see what the film will be. "
        "standard: nearer to the finished film than ComfyUI's usual 25 steps. final: the last "
        "bit. custom: as the inputs below say.",
    )
    # The page shows what is chosen by filling the inputs below.
    preset.extra_dict["svd_presets"] = {name: asdict(value) for name, value in PRESETS.items()}
    return preset


def _shown_inputs() -> list:
    """What the page fills in when a preset is chosen, and a switch."""
    standard = PRESETS["standard"]
    return [
        io.Int.Input(
            "steps",
            default=standard.steps,
            min=1,
            max=1000,
            tooltip="custom: how many steps.",
        ),
        io.Combo.Input(
            "schedule",
            options=[*SCHEDULES, *FEW_STEP_SCHEDULES],
            default=standard.schedule,
            tooltip="custom: how sigma falls.",
        ),
        io.Combo.Input(
            "sampler",
            options=comfy.samplers.SAMPLER_NAMES,
            default=standard.sampler,
            tooltip="custom: dpmpp_2m is good in few steps; euler is SVD's reference.",
        ),
        *_guidance_inputs(standard),
        *_cache_inputs(standard),
        io.Boolean.Input(
            "fast_layers",
            default=True,
            tooltip="As SVD Fast Layers: leave out work that changes nothing but rounding.",
        ),
    ]


def _guidance_inputs(standard: Quality) -> list:
    sigma = {"min": 0.0, "max": 1000.0, "round": 0.001}
    return [
        io.Float.Input(
            "guidance_start_sigma",
            default=standard.guidance_start_sigma,
            step=0.5,
            **sigma,
            tooltip="custom: guide from this noise down; 0: from the start.",
        ),
        io.Float.Input(
            "guidance_end_sigma",
            default=standard.guidance_end_sigma,
            step=0.1,
            **sigma,
            tooltip="custom: guide down to this noise; 0: to the end. A step that is not guided "
            "costs half.",
        ),
        io.Float.Input(
            "guidance_carry",
            default=standard.guidance_carry,
            min=1.0,
            max=100.0,
            step=0.1,
            tooltip="custom: the unconditional pass runs again when noise has fallen by this "
            "factor, and what it changed is carried on between. 1: at every step.",
        ),
    ]


def _cache_inputs(standard: Quality) -> list:
    return [
        io.Int.Input(
            "cache_blocks",
            default=standard.cache_blocks,
            min=1,
            max=MOST_BLOCKS,
            tooltip="custom: outer blocks of the network that run at every step, as in SVD Step "
            "Cache.",
        ),
        io.Int.Input(
            "cache_every",
            default=standard.cache_every,
            min=1,
            max=20,
            tooltip="custom: the inner blocks run on every so-manieth step; 1: at every step.",
        ),
    ]


NODES = (SVDQualityPreset,)
