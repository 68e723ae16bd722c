"""Core's video layers replaced by the chunked ones, as object patches of a MODEL."""

from __future__ import annotations

import comfy.ops
from comfy.ldm.modules.attention import SpatialVideoTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import VideoResBlock
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...sampling.chunking import Chunking, video_res_block, video_transformer

ATTENTION_PATCHES = (
    "attn1_patch",
    "attn2_patch",
    "attn1_output_patch",
    "attn2_output_patch",
    "middle_patch",
)
PATCHED = "attention is patched by another node: transformers run whole"
UNKNOWN_FORM = "the conditioning has no context for every frame: transformers run whole"


def chunk_layers(model: ModelPatcher, elements: int | None, notes: list[str]) -> None:
    """Have the layers run in chunks of `elements`; with None they carry no patch at all.

    Takes effect when core patches the model. `notes` gets a line when a layer has to stay whole.
    """
    for name in [n for n, patch in model.object_patches.items() if isinstance(patch, _Chunked)]:
        del model.object_patches[name]
    if elements is None:
        return
    chunking = Chunking(elements, comfy.ops.cast_bias_weight)
    for name, layer in model.model.diffusion_model.named_modules():
        kind = _KINDS.get(type(layer))
        forward = f"diffusion_model.{name}.forward"
        if kind and forward not in model.object_patches:
            model.add_object_patch(forward, kind(layer, chunking, notes))


class _Chunked:
    """A layer's `forward`, in chunks."""

    def __init__(self, layer: nn.Module, chunking: Chunking, notes: list[str]) -> None:
        self.layer, self.chunking, self.notes = layer, chunking, notes


class _ChunkedResBlock(_Chunked):
    def __call__(
        self,
        x: Tensor,
        emb: Tensor,
        num_video_frames: int,
        image_only_indicator: Tensor | None = None,
    ) -> Tensor:
        return video_res_block(
            self.layer, x, emb, num_video_frames, image_only_indicator, self.chunking
        )


class _ChunkedTransformer(_Chunked):
    def __call__(
        self,
        x: Tensor,
        context: Tensor | None = None,
        time_context: Tensor | None = None,
        timesteps: int | None = None,
        image_only_indicator: Tensor | None = None,
        transformer_options: dict | None = None,
    ) -> Tensor:
        arguments = (x, context, time_context, timesteps, image_only_indicator)
        options = transformer_options or {}
        reason = PATCHED if _attention_is_patched(options) else self._other_form(x, context)
        if reason is None:
            return video_transformer(self.layer, *arguments, options, self.chunking)
        if reason not in self.notes:
            self.notes.append(reason)
        return type(self.layer).forward(self.layer, *arguments, options)

    def _other_form(self, x: Tensor, context: Tensor | None) -> str | None:
        layer = self.layer
        by_frame = context is not None and len(context) == len(x)
        known = by_frame and layer.use_linear and layer.use_spatial_context
        return None if known else UNKNOWN_FORM


_KINDS = {VideoResBlock: _ChunkedResBlock, SpatialVideoTransformer: _ChunkedTransformer}


def _attention_is_patched(options: dict) -> bool:
    """Patches may look at the whole batch, so their transformers are left whole."""
    patches, replaced = options.get("patches", {}), options.get("patches_replace", {})
    return any(patches.get(name) for name in ATTENTION_PATCHES) or any(
        replaced.get(name) for name in ("attn1", "attn2")
    )
