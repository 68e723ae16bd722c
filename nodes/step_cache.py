"""Saving steps of the inner network."""

from __future__ import annotations

import math

from comfy_api.latest import io

from ..models.patches.step_cache import with_step_cache, without_step_cache
from ..sampling.step_cache import StepCache
from .schema import advanced, schema

MOST_BLOCKS = 12  # of the published SVD's encoder


class SVDStepCache(io.ComfyNode):
    """The inner blocks of the network run on some steps only."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioStepCache",
            display_name="SVD Step Cache",
            description="Compute the inner part of the network on some steps only and use it "
            "again on the others, in SVD Sampler and in ComfyUI's own samplers. An approximation: "
            "it changes the film.",
            search_aliases=["DeepCache", "TeaCache", "EasyCache", "faster sampling"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                io.Boolean.Input(
                    "enabled",
                    default=True,
                    tooltip="Off: every step runs the whole network, as without this node.",
                ),
                io.Int.Input(
                    "blocks",
                    default=3,
                    min=1,
                    max=MOST_BLOCKS,
                    tooltip="Outer blocks of the encoder, and as many of the decoder, that run at "
                    "every step. Fewer save more and change the film more.",
                ),
                io.Int.Input(
                    "every",
                    default=2,
                    min=1,
                    max=20,
                    tooltip="The inner blocks run on the first step and on every so-manieth after "
                    "it. 2 is every other step; 1 is the whole network always.",
                ),
                *_advanced_inputs(),
            ],
            outputs=[io.Model.Output(tooltip="For the sampler; its report says what was saved.")],
        )

    @classmethod
    def execute(
        cls, model, enabled, blocks, every, threshold=0.0, start_sigma=0.0, end_sigma=0.0
    ) -> io.NodeOutput:
        if not enabled:
            return io.NodeOutput(without_step_cache(model))
        policy = StepCache(blocks, every, threshold, start_sigma or math.inf, end_sigma)
        return io.NodeOutput(with_step_cache(model, policy))


def _advanced_inputs() -> list[io.Float.Input]:
    return [
        advanced(
            io.Float.Input(
                "threshold",
                default=0.0,
                min=0.0,
                max=10.0,
                step=0.01,
                tooltip="Above 0: the inner blocks also run where the outer ones give something "
                "that differs by more than this share from their last time. 0: nothing is "
                "measured.",
            )
        ),
        advanced(
            io.Float.Input(
                "start_sigma",
                default=0.0,
                min=0.0,
                max=1000.0,
                step=0.5,
                tooltip="Reuse from this noise on; 0: from the first step.",
            )
        ),
        advanced(
            io.Float.Input(
                "end_sigma",
                default=0.0,
                min=0.0,
                max=1000.0,
                step=0.1,
                tooltip="Reuse above this noise only; 0: to the last step.",
            )
        ),
    ]


NODES = (SVDStepCache,)
