"""What draws frames between frames, on core's devices: choosing, loading, memory and cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import comfy.model_management as management
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..models.interp_model import CoreInterpolator
from ..models.network_files import read_network
from ..models.rife.interpolator import RifeInterpolator
from ..models.rife.network import load_rife
from ..video.fingerprint import file_fingerprint, fingerprint
from ..video.interpolate.between import Between, Opened
from ..video.interpolate.flow import FlowInterpolator
from ..video.interpolate.plan import Retiming, Timing, audio_seconds
from ..video.interpolate.step import Interpolate
from ..video.stream import Clip, FrameStream

FLOW = "optical flow (no weights)"
FOLDER = "frame_interpolation"
SCALES = ("auto", "1", "0.5", "0.25")
PIXEL_BYTES = 400  # that RIFE's activations take on the device, at most


@dataclass(frozen=True)
class Drawer:
    """What an `Interpolate` step needs to know of what draws its frames."""

    opened: Opened
    name: str
    identity: str


def list_networks() -> list[str]:
    """Optical flow, and the files of models/frame_interpolation where ComfyUI knows that folder."""
    known = FOLDER in folder_paths.folder_names_and_paths
    return [FLOW, *(folder_paths.get_filename_list(FOLDER) if known else ())]


def choose_drawer(interp_model: ModelPatcher | None, model_name: str, scale: str) -> Drawer:
    """Core's model where one is connected, or else the file, or flow.

    Raises WeightFileError for a file that is no RIFE.
    """
    if interp_model is not None:
        return _core_drawer(interp_model)
    if model_name == FLOW:
        return Drawer(_opened_flow, "optical flow", "optical flow")
    path = Path(folder_paths.get_full_path_or_raise(FOLDER, model_name))
    return _rife_drawer(path, None if scale == "auto" else float(scale))


def interpolate(
    stream: FrameStream, drawer: Drawer, timing: Timing, scene_cut: float
) -> tuple[FrameStream, float, str]:
    """The stream with the step, its frames per second (0: nobody knows) and a report."""
    step = Interpolate(drawer.opened, timing, drawer.name, drawer.identity, scene_cut)
    longer = stream.then(step)
    plan = timing.plan(stream.clip)
    report = "\n".join([*longer.describe(), longer.clip.describe(), *_report(plan, stream, timing)])
    return longer, float(plan.rate or 0), report


def _report(plan: Retiming, stream: FrameStream, timing: Timing) -> list[str]:
    drawn = plan.drawn
    lines = [f"{plan.count - drawn} frames of the film itself, {drawn} drawn between them"]
    source: Fraction | None = timing.source_rate or stream.clip.rate
    if source is None or plan.rate is None:
        return [*lines, "no frame rate: set source_fps, or the rate when saving"]
    audio = audio_seconds(plan, source)
    if audio is None:
        return [*lines, f"speed {float(plan.speed):.4g}: no sound goes with it, it would not fit"]
    return [*lines, f"sound: the first {float(audio):.3f} s of the film's go with it"]


def _rife_drawer(path: Path, scale: float | None) -> Drawer:
    network = load_rife(read_network(path))
    device = management.get_torch_device()
    if management.should_use_fp16(device):
        network = network.half()
    patcher = ModelPatcher(network, device, management.unet_offload_device())

    def need(clip: Clip) -> int:
        return PIXEL_BYTES * clip.height * clip.width

    opened = OnDevice(patcher, lambda: RifeInterpolator(network, scale), need)
    name = f"{path.name} ({network.architecture.describe()})"
    return Drawer(opened, name, fingerprint(file_fingerprint(path), scale))


def _core_drawer(patcher: ModelPatcher) -> Drawer:
    network, dtype = patcher.model, patcher.model_dtype() or torch.float32

    def need(clip: Clip) -> int:
        # (batch, height, width, channels), as core's node says it
        return network.memory_used_forward((1, clip.height, clip.width, 3), dtype)

    opened = OnDevice(patcher, lambda: CoreInterpolator(network, patcher.load_device, dtype), need)
    weights = dict(network.state_dict())
    return Drawer(opened, type(network).__name__, fingerprint(type(network).__name__, weights))


@dataclass(frozen=True, eq=False)
class OnDevice:
    """A network that core's memory management loads, and may unload for others between frames."""

    patcher: ModelPatcher
    make: Callable[[], Between]
    need: Callable[[Clip], int]

    @contextmanager
    def __call__(self, clip: Clip) -> Iterator[Between]:
        need = self.need(clip)

        def ready() -> None:
            management.throw_exception_if_processing_interrupted()
            # All of it: these layers cannot bring their weights along one by one.
            management.load_models_gpu([self.patcher], memory_required=need, force_full_load=True)

        yield Watched(self.make(), ready)


@contextmanager
def _opened_flow(_clip: Clip) -> Iterator[Between]:
    yield Watched(FlowInterpolator(), management.throw_exception_if_processing_interrupted)


@dataclass(frozen=True, eq=False)
class Watched:
    """`inner`, with `ready` called before everything it does."""

    inner: Between
    ready: Callable[[], None]

    def prepare(self, frame: Tensor) -> Any:  # noqa: ANN401 - each kind has its own
        self.ready()
        return self.inner.prepare(frame)

    def between(
        self,
        first: Any,  # noqa: ANN401
        second: Any,  # noqa: ANN401
        times: Sequence[float],
    ) -> Iterator[Tensor]:
        self.ready()
        for frame in self.inner.between(first, second, times):
            yield frame
            del frame
            self.ready()
