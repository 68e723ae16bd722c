"""SVD's cross-attention to its one token of context, without the attention; exact.

The softmax over a single key is 1, so attention gives back the value, whatever the query: what is
left of a layer is to_out(to_v(context)). Queries, keys and the attention itself are never computed,
and what is left once for every frame instead of once for every pixel; in layers across frames once
for every film.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from comfy.ldm.modules.attention import CrossAttention, SpatialVideoTransformer
from comfy.model_patcher import ModelPatcher
from torch import Tensor

# What other nodes put around this attention; they may look at every row, or give it a context.
PATCHES = ("attn2_patch", "attn2_output_patch")
OVERRIDE = "optimized_attention_override"  # core's name for a function in place of its attention
# Kernels round differently for other numbers of rows, so a frame's row always goes through as one
# of so many: the film is then the same however memory cuts it.
ROWS = 32


def with_single_token(model: ModelPatcher) -> ModelPatcher:
    """A clone whose cross-attention does no work that one token of context makes needless.

    Layers that another node has replaced keep that. Films differ by rounding alone, and not at all
    between ways through memory.
    """
    patched = without_single_token(model)
    for name, layer in model.model.diffusion_model.named_modules():
        if not isinstance(layer, SpatialVideoTransformer):
            continue
        for stack in ("transformer_blocks", "time_stack"):
            across_frames = stack == "time_stack" and layer.use_spatial_context
            for number, block in enumerate(getattr(layer, stack)):
                forward = f"diffusion_model.{name}.{stack}.{number}.attn2.forward"
                if block.attn2 is not None and forward not in patched.object_patches:
                    patched.add_object_patch(forward, SingleToken(block.attn2, across_frames))
    return patched


def without_single_token(model: ModelPatcher) -> ModelPatcher:
    """A clone with core's own cross-attention."""
    patched = model.clone()
    for name in [n for n, p in patched.object_patches.items() if isinstance(p, SingleToken)]:
        del patched.object_patches[name]
    return patched


def has_single_token(model: ModelPatcher) -> bool:
    return any(isinstance(patch, SingleToken) for patch in model.object_patches.values())


class SingleToken:
    """The `forward` of a cross-attention; `across_frames`: it is one of a `time_stack`."""

    def __init__(self, layer: CrossAttention, across_frames: bool) -> None:
        self.layer, self.across_frames = layer, across_frames

    def __call__(
        self,
        x: Tensor,
        context: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        transformer_options: dict | None = None,
    ) -> Tensor:
        """x (n, S, C), context and value (n, tokens, 1024): (n, S, C), not to be written to."""
        options = transformer_options or {}
        if mask is not None or _is_patched(options) or not _one_token(context, value):
            own = type(self.layer).forward
            return own(self.layer, x, context, value, mask, transformer_options=options)
        value = context if value is None else value
        films = self._films(x, value, options)
        if films:
            attended = self._attended(value[:: len(value) // films])
            return attended[:, None].expand(films, len(x) // films, *x.shape[1:]).reshape(x.shape)
        return self._frame_by_frame(value).expand(x.shape)

    def _attended(self, value: Tensor) -> Tensor:
        """What attention to the one token (n, 1, 1024) gives back, (n, 1, C)."""
        return self.layer.to_out(self.layer.to_v(value))

    def _frame_by_frame(self, value: Tensor) -> Tensor:
        """The same, where a row is the same bits in whatever company it comes."""
        padded = F.pad(value, (0, 0, 0, 0, 0, -len(value) % ROWS))
        parts = [self._attended(part) for part in padded.split(ROWS)]
        return torch.cat(parts)[: len(value)]

    def _films(self, x: Tensor, value: Tensor, options: dict) -> int | None:
        """How many films the rows are of, if a row is a pixel; None where it is a frame.

        Across frames x is (films * pixels, T, C), and core and `chunking` repeat a film's context
        for each of its pixels, one film after the other. Core notes the shape that the transformer
        was given, (films * T, C, H, W).
        """
        shape = options.get("activations_shape")
        if not self.across_frames or not shape or shape[0] % x.shape[1]:
            return None
        films = shape[0] // x.shape[1]
        return films if len(value) == len(x) and len(x) % films == 0 else None


@torch.compiler.disable
def attend_outside(
    attention: Callable[..., Tensor],
    *args: Any,  # noqa: ANN401 - whatever core's attention takes
    **kwargs: Any,  # noqa: ANN401
) -> Tensor:
    """An override that changes nothing: it keeps `attention` out of compiled graphs."""
    return attention(*args, **kwargs)


def _one_token(context: Tensor | None, value: Tensor | None) -> bool:
    """Without a context the layer attends to x itself."""
    if context is None or context.shape[1] != 1:
        return False
    return value is None or value.shape[1] == 1


def _is_patched(options: dict) -> bool:
    patches = options.get("patches", {})
    foreign = options.get(OVERRIDE, attend_outside) is not attend_outside
    return foreign or any(patches.get(name) for name in PATCHES)
