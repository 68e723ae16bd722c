"""Steadying what an upscaler paints anew in every frame."""

from __future__ import annotations

from pathlib import Path

import comfy.model_management as management
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ..models.network_files import read_network
from ..models.temporalfix import PIXEL_BYTES, TILING, TemporalFix, build_temporalfix
from ..video.fingerprint import file_fingerprint
from ..video.stabilise.learned import LearnedStabiliser
from ..video.stabilise.step import Stabilise
from .file_choice import is_offered
from .frames import Frames, as_stream, frames_input
from .schema import schema

FLOW = "flow blend (no weights)"
FOLDER = "temporalfix"


class SVDStabilise(io.ComfyNode):
    """Every frame steadied by the three before and after it, as it is pulled."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioStabilise",
            display_name="SVD Stabilise",
            description="Take the flicker out that upscaling brings: every frame is averaged "
            "with the three before and after it, along what moves. Use it after SVD Upscale and "
            "before SVD Interpolate; it does not steady a shaky camera.",
            search_aliases=["deflicker", "temporal consistency", "temporalfix", "flicker"],
            inputs=[
                frames_input("The upscaled film, as frames that are pulled or as images."),
                io.Combo.Input(
                    "method",
                    options=[FLOW, *list_networks()],
                    default=FLOW,
                    tooltip="Optical flow, which needs no file and keeps the picture best, or a "
                    "network of models/temporalfix (vs_temporalfix; s1 to s3: weak to strong).",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="Lower it where fine texture gets too smooth. 0 changes nothing.",
                ),
            ],
            outputs=[
                Frames.Output(
                    display_name="frames", tooltip="For SVD Interpolate, or what comes after it."
                ),
                io.String.Output(display_name="report", tooltip="The film's way so far."),
            ],
        )

    @classmethod
    def validate_inputs(cls, method) -> bool | str:
        return is_offered(method, [FLOW, *list_networks()], FOLDER)

    @classmethod
    def execute(cls, frames, method, strength) -> io.NodeOutput:
        network = None if method == FLOW else load_stabiliser(method)
        stream = as_stream(frames).then(Stabilise(strength, network))
        return io.NodeOutput(stream, "\n".join(stream.describe()))


def list_networks() -> list[str]:
    """The files of models/temporalfix, where ComfyUI knows that folder."""
    known = FOLDER in folder_paths.folder_names_and_paths
    return list(folder_paths.get_filename_list(FOLDER)) if known else []


def load_stabiliser(name: str) -> LearnedStabiliser:
    """The network in a file of models/temporalfix; raises WeightFileError for any other."""
    path = Path(folder_paths.get_full_path_or_raise(FOLDER, name))
    network = build_temporalfix(read_network(path))
    return LearnedStabiliser(
        network, path.name, file_fingerprint(path), TILING, ready=OnDevice(network)
    )


class OnDevice:
    """Has core load the network, with room for a tile; it may unload it between frames."""

    def __init__(self, network: TemporalFix) -> None:
        device, away = management.get_torch_device(), management.unet_offload_device()
        self._patcher = ModelPatcher(network, device, away)

    def __call__(self) -> torch.device:
        management.throw_exception_if_processing_interrupted()
        need = PIXEL_BYTES * TILING.pixels
        management.load_models_gpu([self._patcher], memory_required=need, force_full_load=True)
        return self._patcher.load_device


NODES = (SVDStabilise,)
