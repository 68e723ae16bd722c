"""Writing a LoRA in the dialect that another program reads, exactly."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from ..weight_files import Shapes
from .adapters import kinds
from .dialects import module_names
from .lora_file import PEFT_CONFIG, PEFT_WEIGHTS
from .peft_config import METADATA_KEY, config_for
from .weights import CORE_PREFIX, LoraWeights

_PEFT_ROLES = {
    "lora_up.weight": "lora_B.weight",
    "lora_down.weight": "lora_A.weight",
    "dora_scale": "lora_magnitude_vector",
}


class Layout(str, Enum):
    SGM = "ComfyUI / sgm"
    KOHYA = "kohya"
    DIFFUSERS = "diffusers"
    PEFT = "PEFT folder"


def to_layout(weights: LoraWeights, layout: Layout, unet_shapes: Shapes) -> dict[str, Tensor]:
    """The tensors under the names of `layout`, otherwise as they are.

    diffusers and PEFT keep alpha in their settings instead. Raises ValueError for an adapter that
    the layout cannot hold.
    """
    if layout is Layout.SGM:
        return weights.tensors(CORE_PREFIX)
    if layout is Layout.KOHYA:
        _require_layers(weights, unet_shapes)
        return {
            f"lora_unet_{module.replace('.', '_')}.{role}": tensor
            for module, adapter in weights.modules.items()
            for role, tensor in adapter.items()
        }
    _require_lora(weights, layout, unet_shapes)
    names = module_names(unet_shapes)
    prefix = "unet." if layout is Layout.DIFFUSERS else "base_model.model."
    return {
        f"{prefix}{names.diffusers[module]}.{_PEFT_ROLES[role]}": _as_peft(
            role, tensor, names.weights[module]
        )
        for module, adapter in weights.modules.items()
        for role, tensor in adapter.items()
        if role != "alpha"
    }


def write_lora(
    path: Path,
    weights: LoraWeights,
    layout: Layout,
    unet_shapes: Shapes,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a file, or for PEFT a folder (`saved_at`), whole or not at all; replaces an older one.

    `dtype` is of the factors; alpha keeps its own. The metadata goes along. Raises ValueError for
    an adapter that the layout cannot hold.
    """
    tensors = {
        key: _stored(key, tensor, dtype)
        for key, tensor in to_layout(weights, layout, unet_shapes).items()
    }
    metadata = {k: v for k, v in weights.metadata.items() if k != METADATA_KEY} | {"format": "pt"}
    path = saved_at(path, layout)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        temp = Path(folder) / path.name
        if layout is Layout.PEFT:
            temp.mkdir()
            config = json.dumps(_config(weights, unet_shapes), indent=2)
            (temp / PEFT_CONFIG).write_text(config, encoding="utf-8")
            (temp / PEFT_WEIGHTS).write_bytes(save(tensors, metadata))
            _publish_folder(temp, path)
            return
        if layout is Layout.DIFFUSERS:
            metadata[METADATA_KEY] = json.dumps(
                {f"unet.{name}": value for name, value in _config(weights, unet_shapes).items()}
            )
        temp.write_bytes(save(tensors, metadata))  # save_file hides it from other users
        os.replace(temp, path)


def saved_at(path: Path, layout: Layout) -> Path:
    """Where `write_lora` puts it: for PEFT a folder, named without ".safetensors"."""
    folder = layout is Layout.PEFT and path.suffix == ".safetensors"
    return path.with_suffix("") if folder else path


def _publish_folder(temp: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(temp, folder)
        return
    for name in (PEFT_CONFIG, PEFT_WEIGHTS):
        os.replace(temp / name, folder / name)


def _config(weights: LoraWeights, unet_shapes: Shapes) -> dict:
    diffusers = module_names(unet_shapes).diffusers
    return config_for({diffusers[module]: a for module, a in weights.modules.items()})


def _stored(key: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """A tensor of its own in host memory, as safetensors wants it."""
    wanted = None if key.endswith(".alpha") or not tensor.is_floating_point() else dtype
    return tensor.detach().to("cpu", wanted or tensor.dtype, copy=True).contiguous()


def _as_peft(role: str, tensor: Tensor, weight: tuple[int, ...]) -> Tensor:
    """Up (out, r, 1...), down (r, in, kernel), magnitudes (out,), of kernels (1, out, 1...)."""
    ones = [1] * (len(weight) - 2)
    if role == "lora_up.weight":
        return tensor.reshape(weight[0], -1, *ones)
    if role == "lora_down.weight":
        return tensor.reshape(-1, *weight[1:])
    return tensor.reshape(1, weight[0], *ones) if ones else tensor.reshape(weight[0])


def _require_layers(weights: LoraWeights, unet_shapes: Shapes) -> None:
    for module in weights.modules:
        if f"{module}.weight" not in unet_shapes:
            raise ValueError(
                f"{weights.name} cannot be written as {Layout.KOHYA.value}: {module} is no layer; "
                f"choose {Layout.SGM.value}."
            )


def _require_lora(weights: LoraWeights, layout: Layout, unet_shapes: Shapes) -> None:
    dora = {"dora_scale" in adapter for adapter in weights.modules.values()}
    for module, adapter in weights.modules.items():
        weight = unet_shapes.get(f"{module}.weight", ())
        refused = _beyond_peft(adapter, weight)
        if refused or len(dora) > 1:
            what = refused or "or has not DoRA's magnitudes, unlike others"
            raise ValueError(
                f"{weights.name} cannot be written as {layout.value}: {module} has {what}, which "
                f"that layout cannot hold; choose {Layout.SGM.value} or {Layout.KOHYA.value}."
            )


def _beyond_peft(adapter: Mapping[str, Tensor], weight: tuple[int, ...]) -> str:
    """What of an adapter PEFT's LoRA has no place for."""
    others = kinds(adapter) - {"LoRA"} or set(adapter) - set(_PEFT_ROLES) - {"alpha"}
    if others:
        return " and ".join(sorted(others))
    if len(weight) < 2:
        return "LoRA without being a layer"
    if "dora_scale" in adapter and adapter["dora_scale"].numel() != weight[0]:
        return "DoRA's magnitudes by input"
    return ""
