"""Work that the network need not do."""

from __future__ import annotations

from comfy_api.latest import io

from ..models.patches.fast_layers import with_fast_layers
from ..models.patches.svd_only import require_svd
from .schema import schema


class SVDFastLayers(io.ComfyNode):
    """Savings inside the network that leave the film as it is."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioFastLayers",
            display_name="SVD Fast Layers",
            description="Leave out work in the network that changes nothing. Exact: the film stays "
            "the same but for rounding, in SVD Sampler and in ComfyUI's own samplers.",
            search_aliases=["speed", "cross-attention", "channels last"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                io.Boolean.Input(
                    "single_token",
                    default=True,
                    tooltip="SVD's context is one token: attention to it is computed once a frame "
                    "and not once a pixel. Saves 4 % of the arithmetic at 1024x576.",
                ),
                io.Boolean.Input(
                    "weight_layout",
                    default=True,
                    tooltip="On a CPU, lay the weights of convolutions out once and not in every "
                    "evaluation; the same film bit for bit. Saves 7 % of the time of 14 frames of "
                    "128x64, less of larger films. On a GPU nothing is changed.",
                ),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, single_token, weight_layout) -> io.NodeOutput:
        require_svd(model, "SVD Fast Layers is")
        return io.NodeOutput(with_fast_layers(model, single_token, weight_layout))


NODES = (SVDFastLayers,)
