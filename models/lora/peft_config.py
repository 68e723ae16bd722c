"""PEFT's settings of an adapter: alpha for every module out of them, and into them.

The scale of a module is alpha / rank, or alpha / sqrt(rank) with rank stabilisation
(Kalajdzievski 2023); patterns give single modules a rank or an alpha of their own.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..weight_files import WeightFileError
from .adapters import rank_of
from .dialects import UP_BIAS

METADATA_KEY = "lora_adapter_metadata"  # as diffusers 0.35 and newer write it
Config = Mapping[str, Any]


def config_in(metadata: Mapping[str, str], name: str) -> Config | None:
    """The UNet's settings among a file's metadata; a pipeline's begin with "unet."."""
    text = metadata.get(METADATA_KEY)
    if text is None:
        return None
    try:
        settings = dict(json.loads(text))
    except (TypeError, ValueError) as error:
        raise WeightFileError(
            f"The settings in {name} are damaged ({METADATA_KEY}: {error}): download it again."
        ) from error
    ours = {key[5:]: value for key, value in settings.items() if key.startswith("unet.")}
    return ours or settings


def with_alpha(adapter: Mapping[str, Tensor], module: str, config: Config) -> dict[str, Tensor]:
    """The adapter with the strength that PEFT gives it; `module` as PEFT calls it.

    A bias that LoRA learned becomes `diff_b`. LoKr of two whole factors has no alpha in ComfyUI,
    so its scale goes into the first. An alpha of the file's own stays.
    """
    adapter = dict(adapter)
    alpha_name = "lora_alpha" if "lora_alpha" in config else "alpha"
    alpha = _setting(config, alpha_name, "alpha_pattern", module)
    rank = rank_of(adapter) or _setting(config, "r", "rank_pattern", module)
    if alpha is None or not rank or "alpha" in adapter:
        return _with_bias(adapter, rank)
    if config.get("use_rslora"):
        alpha = alpha * rank**0.5
    if rank_of(adapter) is not None:
        adapter["alpha"] = torch.tensor(float(alpha))
    elif "lokr_w1" in adapter:
        adapter["lokr_w1"] = adapter["lokr_w1"] * (alpha / rank)
    return _with_bias(adapter, rank)


def _with_bias(adapter: dict[str, Tensor], rank: float | None) -> dict[str, Tensor]:
    bias = adapter.pop(UP_BIAS, None)
    if bias is not None:
        alpha = adapter["alpha"].item() if "alpha" in adapter else rank or 1
        adapter["diff_b"] = bias * (alpha / (rank or 1))
    return adapter


def _setting(config: Config, name: str, patterns: str, module: str) -> float | None:
    """As PEFT's `get_pattern_key`: the first pattern that is the name or the end of it."""
    value = config.get(name)
    try:
        for pattern, own in (config.get(patterns) or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):
                value = own
                break
        return None if value is None else float(value)
    except (re.error, AttributeError, TypeError, ValueError) as error:
        raise WeightFileError(
            f"PEFT's settings of this LoRA are damaged ({name} or {patterns}: {error}): "
            "save it again."
        ) from error


def config_for(adapters: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Any]:
    """Settings from which PEFT makes these adapters again; `adapters` by diffusers' names.

    No name of an SVD UNet ends in another's, so whole names are patterns of one module each.
    """
    ranks = {module: rank_of(adapter) for module, adapter in adapters.items()}
    alphas = {
        module: _plain(adapter["alpha"].item()) if "alpha" in adapter else ranks[module]
        for module, adapter in adapters.items()
    }
    rank, alpha = _commonest(list(ranks.values())), _commonest(list(alphas.values()))
    return {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": {module: r for module, r in ranks.items() if r != rank},
        "alpha_pattern": {module: a for module, a in alphas.items() if a != alpha},
        "target_modules": sorted(adapters),
        "lora_dropout": 0.0,
        "bias": "none",
        "use_dora": any("dora_scale" in adapter for adapter in adapters.values()),
        "use_rslora": False,
        "inference_mode": True,
    }


def _commonest(values: Sequence[Any]) -> Any:  # noqa: ANN401 - ranks or alphas
    return Counter(values).most_common(1)[0][0]


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number
