"""What a user sees in ComfyUI: node schemas, tooltips, and the hand-over to the rooms below."""

from __future__ import annotations

import os

import folder_paths
from comfy_api.latest import ComfyExtension, io

from . import (
    apply_guide,
    camera,
    camera_combine,
    camera_from_video,
    camera_guide,
    camera_preview,
    compile,
    condition,
    decode,
    ends,
    fast_layers,
    frame_sources,
    frames_to_images,
    interpolate,
    light_sweep,
    load,
    look,
    lora,
    memory,
    merge_lora,
    motion,
    motion_report,
    quality,
    sample,
    save_lora,
    stabilise,
    step_cache,
    train_lora,
    training_clips,
    upscale,
    video,
    write_video,
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
    *light_sweep.NODES,
    *motion.NODES,
    *ends.NODES,
    *motion_report.NODES,
    *memory.NODES,
    *quality.NODES,
    *step_cache.NODES,
    *fast_layers.NODES,
    *compile.NODES,
    *sample.NODES,
    *decode.NODES,
    *video.NODES,
    *frame_sources.NODES,
    *upscale.NODES,
    *stabilise.NODES,
    *interpolate.NODES,
    *look.NODES,
    *write_video.NODES,
    *frames_to_images.NODES,
    *lora.NODES,
    *training_clips.NODES,
    *train_lora.NODES,
    *save_lora.NODES,
    *merge_lora.NODES,
)

# Of ComfyUI's models, kinds that it does not know, or not before 2026.
MODEL_FOLDERS = ("frame_interpolation", "temporalfix")


class SVDStudioExtension(ComfyExtension):
    """The pack, as ComfyUI asks for it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(NODES)


def name_model_folders() -> None:
    """Tell ComfyUI of the kinds of models that it does not know."""
    for kind in MODEL_FOLDERS:
        folder_paths.add_model_folder_path(kind, os.path.join(folder_paths.models_dir, kind))
