"""Which layers of the video UNet a LoRA is put on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from ...models.lora.families import Kind, is_temporal, kind_of


class Branch(str, Enum):
    """Temporal layers hold how things move, spatial ones how they look."""

    TEMPORAL = "temporal: motion, camera"
    SPATIAL = "spatial: looks, character"
    BOTH = "both"


class Depth(str, Enum):
    """How much of the network is adapted."""

    ATTENTION = "attention"
    TRANSFORMER = "attention and feed-forward"
    EVERYTHING = "everything, convolutions too"


_KINDS = {
    Depth.ATTENTION: {Kind.ATTENTION},
    Depth.TRANSFORMER: {Kind.ATTENTION, Kind.FEED_FORWARD},
    Depth.EVERYTHING: {Kind.ATTENTION, Kind.FEED_FORWARD, Kind.CONVOLUTION, Kind.PROJECTION},
}
# The context is one token, whose weight is 1 whatever query and key are.
_WITHOUT_EFFECT = re.compile(r"\.attn2\.to_[qk]$")


def adapted_modules(
    shapes: Mapping[str, tuple[int, ...]], branch: Branch, depth: Depth
) -> list[str]:
    """Modules of a UNet, from its weights' checkpoint names, in the network's order."""
    names = [key.removesuffix(".weight") for key in shapes if key.endswith(".weight")]
    return [
        name
        for name in names
        if kind_of(name) in _KINDS[depth]
        and not _WITHOUT_EFFECT.search(name)
        and branch in (Branch.BOTH, Branch.TEMPORAL if is_temporal(name) else Branch.SPATIAL)
    ]
