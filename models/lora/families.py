"""Which kind of layer a module of the video UNet is: what a LoRA on it can teach."""

from __future__ import annotations

import re
from enum import Enum


class Kind(str, Enum):
    ATTENTION = "attention"
    FEED_FORWARD = "feed-forward"
    CONVOLUTION = "convolution"
    PROJECTION = "projection"
    OTHER = "other"


_KINDS = (
    (re.compile(r"\.attn[12]\.to_(q|k|v|out\.0)$"), Kind.ATTENTION),
    (re.compile(r"\.ff(_in)?\.net\.(0\.proj|2)$"), Kind.FEED_FORWARD),
    (re.compile(r"\.(in_layers\.2|out_layers\.3|skip_connection|op|conv)$"), Kind.CONVOLUTION),
    (re.compile(r"^(input_blocks\.0\.0|out\.2)$"), Kind.CONVOLUTION),
    (re.compile(r"\.(proj_in|proj_out|emb_layers\.1|time_pos_embed\.[02])$"), Kind.PROJECTION),
)
_TEMPORAL = (".time_stack.", ".time_pos_embed.", ".time_mixer")


def kind_of(module: str) -> Kind:
    """The kind of the module with this checkpoint name (no prefix, no `.weight`)."""
    return next((kind for pattern, kind in _KINDS if pattern.search(module)), Kind.OTHER)


def is_temporal(module: str) -> bool:
    """Whether the module mixes frames, or serves a layer that does."""
    return any(mark in f".{module}." for mark in _TEMPORAL)


def family_of(module: str) -> str:
    """As people read it: "temporal attention", "spatial feed-forward", ..."""
    return f"{'temporal' if is_temporal(module) else 'spatial'} {kind_of(module).value}"
