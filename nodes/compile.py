"""torch.compile, where it pays."""

from __future__ import annotations

from comfy_api.latest import io

from ..models.patches.compiled import with_compiled_blocks
from ..models.patches.svd_only import require_svd
from .schema import schema


class SVDCompile(io.ComfyNode):
    """The transformer blocks compiled, once for films of any size."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCompile",
            display_name="SVD Compile",
            description="Have torch compile the network's repeated transformer blocks when they "
            "first run, once for films of any size. For many films with one model: the first "
            "takes longer.",
            search_aliases=["torch.compile", "TorchCompileModel", "inductor", "speed"],
            inputs=[io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model.")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model) -> io.NodeOutput:
        require_svd(model, "SVD Compile is")
        return io.NodeOutput(with_compiled_blocks(model))


NODES = (SVDCompile,)
