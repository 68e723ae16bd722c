"""Weights of small networks: upscalers, interpolators, stabilisers, in whatever file they come."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .weight_files import WeightFileError

# Where published files keep the weights beside other things, the best ones first.
INSIDE = ("params_ema", "params", "state_dict", "model")


def read_network(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth, .pt, .ckpt or .pkl file, on the CPU, by name.

    Files of torch are read as data: nothing in them is run. A wrapper such as `params_ema`, and
    the prefix `module.`, are taken off. Raises WeightFileError for a file that holds anything but
    tensors, or is damaged.
    """
    try:
        if file.suffix == ".safetensors":
            tensors = load_file(file)
        else:
            tensors = torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251
    except pickle.UnpicklingError as error:
        raise WeightFileError(
            f"{file.name} holds more than weights, and what it holds could run code: "
            "use a .safetensors version of this model."
        ) from error
    except (SafetensorError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightFileError(
            f"{file.name} is truncated or damaged ({file.stat().st_size:,} bytes found): "
            "download or copy it again."
        ) from error
    return _unwrapped(tensors, file)


def _unwrapped(tensors: object, file: Path) -> dict[str, Tensor]:
    if isinstance(tensors, dict):
        for name in INSIDE:
            if isinstance(tensors.get(name), dict):
                tensors = tensors[name]
                break
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise WeightFileError(
            f"{file.name} holds no table of weights: choose the network's own file, not a "
            "training checkpoint or a traced network."
        )
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
