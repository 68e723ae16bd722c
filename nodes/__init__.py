"""What a user sees in ComfyUI: node schemas, tooltips, and the hand-over to the rooms below."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import condition, decode, load, memory, sample, video

NODES: tuple[type[io.ComfyNode], ...] = (
    *load.NODES,
    *condition.NODES,
    *memory.NODES,
    *sample.NODES,
    *decode.NODES,
    *video.NODES,
)


class SVDStudioExtension(ComfyExtension):
    """The pack, as ComfyUI asks for it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(NODES)
