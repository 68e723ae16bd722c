"""Names of CLIP's vision tower in checkpoints (OpenCLIP) and in transformers."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

TOP = {
    "vision_model.embeddings.class_embedding": "class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "positional_embedding",
    "vision_model.pre_layrnorm": "ln_pre",
    "vision_model.post_layernorm": "ln_post",
}
BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
LAYER = re.compile(r"vision_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")


def clip_to_open_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """transformers' CLIPVisionModelWithProjection -> the names inside an SVD checkpoint.

    OpenCLIP packs q, k and v into one matrix and keeps the projection transposed.
    """
    renamed: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        layer = LAYER.fullmatch(key)
        if layer is None:
            renamed |= _top(key, tensor)
        elif layer[2] in BLOCK:
            renamed[f"transformer.resblocks.{layer[1]}.{BLOCK[layer[2]]}.{layer[3]}"] = tensor
        elif layer[2] == "self_attn.q_proj":
            stem = f"vision_model.encoder.layers.{layer[1]}.self_attn."
            qkv = [tensors[f"{stem}{name}_proj.{layer[3]}"] for name in "qkv"]
            renamed[f"transformer.resblocks.{layer[1]}.attn.in_proj_{layer[3]}"] = torch.cat(qkv)
    return renamed


def _top(key: str, tensor: Tensor) -> dict[str, Tensor]:
    if key == "visual_projection.weight":
        return {"proj": tensor.t().contiguous()}
    if key in TOP:
        return {TOP[key]: tensor}
    stem, kind = key.rsplit(".", 1)
    if stem in TOP:
        return {f"{TOP[stem]}.{kind}": tensor}
    return {}  # buffers such as position_ids
