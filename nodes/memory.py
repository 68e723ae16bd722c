"""How much memory sampling may take."""

from __future__ import annotations

from comfy_api.latest import io

from ..models.patches.memory import with_memory_plan
from ..sampling.memory import GIBI
from .forecast import memory_forecast
from .report import show
from .schema import schema


class SVDMemoryPlan(io.ComfyNode):
    """A budget for activations; samplers then take the cheapest exact way that stays within it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioMemoryPlan",
            display_name="SVD Memory Plan",
            description="Keep sampling within a budget of memory, in SVD Sampler and in ComfyUI's "
            "own samplers. The budget changes how long a film takes, never its pixels.",
            search_aliases=["low VRAM", "out of memory", "chunked feed-forward"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                io.Float.Input(
                    "memory_gib",
                    default=0.0,
                    min=0.0,
                    max=1024.0,
                    step=0.25,
                    tooltip="GiB for activations, beside the model's weights. 0: what is free "
                    "when sampling begins.",
                ),
                io.Latent.Input(
                    "latent",
                    optional=True,
                    tooltip="The film's size, for the forecast in the report. Without it, the "
                    "size that the model was trained on.",
                ),
            ],
            outputs=[
                io.Model.Output(),
                io.String.Output(
                    display_name="report",
                    tooltip="What every exact way through the model needs, and which one it is.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, model, memory_gib, latent=None) -> io.NodeOutput:
        budget = memory_gib * GIBI or None
        report = memory_forecast(model, budget, latent)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(with_memory_plan(model, budget), report)


NODES = (SVDMemoryPlan,)
