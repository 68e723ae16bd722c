"""The upscaler on core's device while frames are pulled, and away from it before and after."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import comfy.model_management as management
import folder_paths
import psutil

from ..models.patches.device_memory import SAFE_SHARE
from ..models.upscaler import Upscaler, as_upscaler, read_upscaler
from ..sampling.memory import GIBI
from ..video.stream import Clip
from ..video.upscale.ladder import Precision
from ..video.upscale.network import Room
from ..video.upscale.step import Upscale

FOLDER = "upscale_models"
WITHOUT = "Lanczos (no network)"
# On a GPU small frames go through the network together, as many as have these pixels.
BATCH_PIXELS = 2**18
HOST_SHARE = 0.5  # of the memory that is free on the host: other steps and the encoder need some


def model_names() -> list[str]:
    return [WITHOUT, *folder_paths.get_filename_list(FOLDER)]


def chosen_upscaler(connected, name: str) -> Upscaler | None:
    """The connected network, else the one of that name; None for none."""
    if connected is not None:
        return as_upscaler(connected)
    if name == WITHOUT:
        return None
    return read_upscaler(Path(folder_paths.get_full_path_or_raise(FOLDER, name)))


class OnDevice:
    """Calling it gives the `Room` of an upscaler: on core's device as long as anyone is inside.

    `memory_gib` limits activations; 0: what is free then, rounded down to a power of two so that
    tiles are the same ones in every run on this machine.
    """

    def __init__(self, upscaler: Upscaler | None, memory_gib: float = 0.0) -> None:
        self._upscaler = upscaler
        self._cap = int(memory_gib * GIBI)
        self._inside = 0
        self._changing = threading.Lock()

    @contextmanager
    def __call__(self) -> Iterator[Room]:
        device = management.get_torch_device()
        on_cpu = management.is_device_cpu(device)
        room = Room(
            device,
            self._reserve,
            management.intermediate_device(),
            0 if on_cpu else BATCH_PIXELS,
            management.throw_exception_if_processing_interrupted,
        )
        self._enter()
        try:
            yield room
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._changing:
            self._inside += 1
            if self._upscaler is None or self._inside > 1:
                return
            self._make_room(0)
            if self._upscaler.patcher is None:
                self._upscaler.module.to(management.get_torch_device())

    def _leave(self) -> None:
        with self._changing:
            self._inside -= 1
            if self._upscaler is None or self._inside:
                return
            if self._upscaler.patcher is None:
                self._upscaler.module.to("cpu")
            management.soft_empty_cache()

    def _make_room(self, wish: int) -> None:
        """Free `wish` bytes beside the network's weights, as far as there are."""
        device, patcher = management.get_torch_device(), self._upscaler.patcher
        if patcher is not None:  # 0.29 and newer: core moves the network itself
            management.load_models_gpu([patcher], memory_required=wish, force_full_load=True)
        else:
            weights = management.module_size(self._upscaler.module)
            management.free_memory(wish + weights, device)

    def _reserve(self, wish: int) -> int:
        if self._cap:
            self._make_room(min(wish, self._cap))
            return self._cap
        self._make_room(wish)
        device = management.get_torch_device()
        if management.is_device_cpu(device):
            free = psutil.virtual_memory().available * HOST_SHARE
        else:
            free = management.get_free_memory(device) * SAFE_SHARE
        return 2 ** int(math.log2(max(free, 1)))


def check_precision(upscaler: Upscaler | None, precision: Precision) -> None:
    """Raises ValueError now for what would be an error when frames are pulled."""
    if upscaler is not None:
        precision.dtype(upscaler, management.get_torch_device())


def upscale_report(step: Upscale, before: Clip) -> str:
    """What will happen to every frame, in words."""
    plan, after = step.plan(before), step.clip(before)
    lines = [before.describe(), step.describe(), f"comes out as {after.describe()}"]
    if not plan.inputs:
        lines.append("no network runs: the frames are resampled (Lanczos)")
        return "\n".join(lines)
    scale = step.network.scale
    sizes = (f"{w}x{h} to {w * scale}x{h * scale}" for w, h in plan.inputs)
    lines.append(f"the network makes {', then '.join(sizes)}")
    last = tuple(side * scale for side in plan.inputs[-1])
    if last != plan.picture:
        lines.append(f"then Lanczos to {plan.picture[0]}x{plan.picture[1]}")
    reach = step.network.reach
    exact = f"exact: the network looks {reach} pixels far" if reach else "faded into each other"
    lines.append(f"tiles, if the memory asks for them, are {exact}")
    return "\n".join(lines)
