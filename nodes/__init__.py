"""What a user sees in ComfyUI: node schemas, tooltips, and the hand-over to the rooms below."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import (
    apply_guide,
    camera,
    camera_combine,
    camera_from_video,
    camera_guide,
    camera_preview,
    condition,
    decode,
    ends,
    load,
    memory,
    motion,
    motion_report,
    sample,
    video,
)

NODES: tuple[type[io.ComfyNode], ...] = (
    *load.NODES,
    *condition.NODES,
    *camera.NODES,
    *camera_combine.NODES,
    *camera_from_video.NODES,
    *camera_preview.NODES,
    *camera_guide.NODES,
    *apply_guide.NODES,
    *motion.NODES,
    *ends.NODES,
    *motion_report.NODES,
    *memory.NODES,
    *sample.NODES,
    *decode.NODES,
    *video.NODES,
)


class SVDStudioExtension(ComfyExtension):
    """The pack, as ComfyUI asks for it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(NODES)
