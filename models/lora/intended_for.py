"""What a LoRA that does not fit seems to have been trained for, judged by its names and shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..weight_files import Shapes
from .dialects import parse_key

# The most telling signs come first; one key that bears a sign is enough.
_SIGNS = tuple(
    (re.compile(pattern), model)
    for pattern, model in (
        (r"motion_modules", "AnimateDiff's motion module"),
        (r"double_blocks\.\d+\.(img|txt)_attn_(qkv|proj)", "HunyuanVideo"),
        (r"double_blocks\.\d+\.(img|txt)_attn\.", "Flux"),
        (r"single_transformer_blocks|double_blocks|single_blocks", "Flux or HunyuanVideo"),
        (r"joint_blocks", "SD3"),
        (r"transformer_blocks[._]\d+[._]attn[._]add_[qkv]_proj", "SD3 or Qwen-Image"),
        (r"(^|[._])blocks[._]\d+[._](self|cross)_attn", "Wan"),
        (r"(^|\.)blocks\.\d+\.attn[12]\.to_", "Wan"),
        (r"(diffusion_model|transformer)[._]transformer_blocks[._]\d+", "LTX-Video or CogVideoX"),
        (r"^(lora_)?transformer[._]", "a diffusion transformer"),
        (r"transformer_blocks[._][1-9]\d*[._]attn", "SDXL"),
    )
)
_TEXT = re.compile(r"^(lora_te|text_encoder|text_model|lora_prior_te)")
_TEXT_KEY = re.compile(r"attn2[._]to_[kv]$")
_TEXT_WIDTHS = {768: "SD 1.x", 2048: "SDXL"}
_TEMPORAL = re.compile(r"time_stack|time_mixer|temporal_(transformer|res)|time_pos_embed")


def intended_for(shapes: Shapes) -> str | None:
    """The model, other than SVD, that a LoRA seems to be for; None when nothing tells.

    `shapes` are the tensors' shapes under the file's names.
    """
    if shapes and all(_TEXT.match(key) for key in shapes):
        return "a text encoder alone"
    for sign, model in _SIGNS:
        if any(sign.search(key) for key in shapes):
            return model
    if any(_TEMPORAL.search(key) for key in shapes):
        return None
    widths = _text_widths(shapes)
    if widths == {1024}:  # as wide as SVD's own picture token, which no text encoder comes with
        return "SD 2.x" if any(_TEXT.match(key) for key in shapes) else None
    return _TEXT_WIDTHS.get(widths.pop()) if len(widths) == 1 else None


def _text_widths(shapes: Shapes) -> set[int]:
    """What the keys and values of cross-attention take in: as wide as the model's text."""
    widths = set()
    for name, shape in shapes.items():
        key = parse_key(name)
        reads = key is not None and key.role in ("lora_down.weight", "hada_w1_b")
        if reads and len(shape) > 1 and _TEXT_KEY.search(key.module):
            widths.add(shape[1])
    return widths


def not_a_lora(name: str, keys: Iterable[str]) -> str:
    """The sentence that refuses a file without a single adapter."""
    keys = list(keys)
    if not keys:
        return f"{name} is empty: download or copy it again."
    if any(key.startswith(("model.diffusion_model.", "first_stage_model.")) for key in keys):
        return f"{name} is a whole checkpoint, not a LoRA: load it with a checkpoint loader."
    return (
        f"{name} is not a LoRA but a network's own weights ({len(keys)} tensors, for example "
        f"{keys[0]}): choose a file from a LoRA trainer."
    )
