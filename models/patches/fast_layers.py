"""The savings inside the network that are exact, put on a MODEL together or one by one."""

from __future__ import annotations

from comfy.model_patcher import ModelPatcher

from .conv_layout import with_conv_layout, without_conv_layout
from .single_token import with_single_token, without_single_token


def with_fast_layers(
    model: ModelPatcher, single_token: bool = True, weight_layout: bool = True
) -> ModelPatcher:
    """A clone with these savings and no others; works in any sampler of core."""
    model = (with_single_token if single_token else without_single_token)(model)
    return (with_conv_layout if weight_layout else without_conv_layout)(model)
