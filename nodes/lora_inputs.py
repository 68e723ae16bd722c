"""What a user can name a LoRA by: a file of the loras folder, or a LORA_MODEL on a socket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import folder_paths
from comfy_api.latest import io
from torch import Tensor

from ..models.lora.lora_file import LoraFile, read_lora
from ..models.sources import MINI
from .film_inputs import stamp
from .lora_facts import TITLE

Lora = io.Custom("LORA_MODEL")
FROM_INPUT = "from the lora input"
BUILT_IN = {
    "svd-mini pan left (built in)": MINI.with_name("svd_mini_pan_left.safetensors"),
}
CONNECTED = "the connected LoRA"


def lora_names() -> list[str]:
    return [FROM_INPUT, *folder_paths.get_filename_list("loras"), *BUILT_IN]


def lora_widgets() -> list[io.Input]:
    """Which LoRA, and how strongly."""
    return [
        io.Combo.Input(
            "lora_name",
            options=lora_names(),
            tooltip="A .safetensors file of the loras folder, from any trainer: ComfyUI, kohya, "
            "LyCORIS, diffusers or PEFT (its adapter_model.safetensors).",
        ),
        io.Float.Input(
            "strength",
            default=1.0,
            min=-4.0,
            max=4.0,
            step=0.05,
            tooltip="1: as it was trained; less for a hint of it; 0: not at all. Below 0 it does "
            "the opposite: a pan to the left becomes one to the right.",
        ),
        io.Float.Input(
            "spatial_strength",
            default=1.0,
            min=-4.0,
            max=4.0,
            step=0.05,
            tooltip="Times strength, for layers that work within a frame: looks. 0 takes only the "
            "motion of a LoRA.",
        ),
        io.Float.Input(
            "temporal_strength",
            default=1.0,
            min=-4.0,
            max=4.0,
            step=0.05,
            tooltip="Times strength, for layers that work across frames: motion. 0 takes only the "
            "looks of a LoRA.",
        ),
    ]


def find_lora(lora_name: str, lora: Mapping[str, Tensor] | None) -> LoraFile:
    """The connected LoRA, or else the file; raises ValueError when there is neither."""
    if lora is not None:
        metadata = getattr(lora, "metadata", {})
        return LoraFile(metadata.get(TITLE, CONNECTED), lora, metadata)
    if lora_name == FROM_INPUT:
        raise ValueError(
            "There is no LoRA: choose a file in lora_name, or connect the lora of SVD Train LoRA."
        )
    return read_lora(_path_of(lora_name))


def lora_stamp(lora_name: str) -> str:
    """Another text when the file has changed."""
    return "" if lora_name == FROM_INPUT else f"{lora_name} {stamp(_path_of(lora_name))}"


def _path_of(lora_name: str) -> Path:
    built_in = BUILT_IN.get(lora_name)
    return built_in or Path(folder_paths.get_full_path_or_raise("loras", lora_name))
