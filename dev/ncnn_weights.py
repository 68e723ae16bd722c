"""Weights of Real-ESRGAN and SPAN out of ncnn files, under the names that spandrel knows.

ncnn keeps a network as `.param`, one line a layer, and `.bin`, the layers' numbers in file order
(https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure). The numbers are float16, so
the converted networks are the published ones rounded to it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

FP16_TAG, FP32_TAG = 0x01306B47, 0
ARITHMETIC = frozenset({"BinaryOp", "Eltwise", "Concat", "Sigmoid", "Swish", "ReLU"})
WITHOUT_WEIGHTS = ARITHMETIC | {"Input", "Split", "Interp", "PixelShuffle"}
SPAN_GAIN = 2  # how much wider SPAN's training form of a 3x3 convolution is


class Layer(NamedTuple):
    name: str
    weight: Tensor
    bias: Tensor | None


class _Reader:
    """The numbers of a .bin file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def floats(self, count: int) -> Tensor:
        values = np.frombuffer(self._data, "<f4", count, self.at).copy()
        self.at += 4 * count
        return torch.from_numpy(values)

    def weights(self, count: int) -> Tensor:
        """Numbers after a tag that says whether they are float16, padded to four bytes."""
        (tag,) = struct.unpack_from("<I", self._data, self.at)
        self.at += 4
        if tag == FP32_TAG:
            return self.floats(count)
        if tag != FP16_TAG:
            raise ValueError(f"The ncnn file has the unknown weight tag {tag:#x} at {self.at - 4}.")
        values = np.frombuffer(self._data, "<f2", count, self.at).astype(np.float32)
        self.at += (2 * count + 3) // 4 * 4
        return torch.from_numpy(values)


def read_layers(param: str, binary: bytes) -> list[Layer]:
    """Convolutions and PReLUs in file order; raises ValueError for any other layer with weights."""
    reader, layers = _Reader(binary), []
    for line in param.splitlines()[2:]:
        kind, name, inputs, outputs, *rest = line.split()
        options = dict(
            word.split("=", 1) for word in rest[int(inputs) + int(outputs) :] if "=" in word
        )
        if kind == "Convolution":
            out, size, count = (int(options[key]) for key in ("0", "1", "6"))
            weight = reader.weights(count).reshape(out, count // out // size**2, size, size)
            bias = reader.floats(out) if options.get("5") == "1" else None
            layers.append(Layer(name, weight, bias))
        elif kind == "PReLU":
            layers.append(Layer(name, reader.floats(int(options["0"])), None))
        elif kind == "MemoryData":
            reader.floats(int(options["0"]) * int(options.get("1", 1)) * int(options.get("2", 1)))
        elif kind not in WITHOUT_WEIGHTS:
            raise ValueError(f"The ncnn network has a layer {kind}, which no known one has.")
    if reader.at != len(binary):
        raise ValueError(f"{len(binary) - reader.at} bytes of the ncnn file belong to no layer.")
    return layers


def convert(param: str, binary: bytes) -> dict[str, Tensor]:
    """The state dict of the RRDBNet, SRVGGNetCompact or SPAN that an ncnn network is."""
    layers = read_layers(param, binary)
    if any("eval_conv" in layer.name for layer in layers):
        return _span(layers)
    names = _compact_names(layers) or _rrdb_names(layers)
    state = {}
    for name, layer in zip(names, layers, strict=True):
        state[f"{name}.weight"] = layer.weight.contiguous()
        if layer.bias is not None:
            state[f"{name}.bias"] = layer.bias
    return state


def _compact_names(layers: list[Layer]) -> list[str] | None:
    is_compact = any(layer.weight.ndim == 1 for layer in layers)
    return [f"body.{i}" for i in range(len(layers))] if is_compact else None


def _rrdb_names(layers: list[Layer]) -> list[str]:
    blocks = (len(layers) - 6) // 15
    body = [
        f"body.{block}.rdb{dense}.conv{conv}"
        for block in range(blocks)
        for dense in (1, 2, 3)
        for conv in range(1, 6)
    ]
    return ["conv_first", *body, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]


def _span(layers: list[Layer]) -> dict[str, Tensor]:
    state = {}
    for layer in layers:
        *path, _ = layer.name.strip("/").split("/")
        if path[-1] == "eval_conv":
            name, values = ".".join(path[:-1]), _unfolded(layer)
        else:
            name, values = path[-1], {"weight": layer.weight, "bias": layer.bias}
        state |= {f"{name}.{key}": value for key, value in values.items()}
    return state


def _unfolded(layer: Layer) -> dict[str, Tensor]:
    """A 3x3 convolution in SPAN's training form: 1x1, 3x3 and 1x1 ones, and a skip.

    The first and the last pick channels, the middle one is the convolution, the skip is nothing.
    """
    out, inside, *_ = layer.weight.shape
    middle = torch.zeros(out * SPAN_GAIN, inside * SPAN_GAIN, 3, 3)
    middle[:out, :inside] = layer.weight
    pick_in = torch.eye(inside * SPAN_GAIN, inside)[:, :, None, None]
    pick_out = torch.eye(out, out * SPAN_GAIN)[:, :, None, None]
    bias = torch.zeros(out) if layer.bias is None else layer.bias
    return {
        "sk.weight": torch.zeros(out, inside, 1, 1),
        "sk.bias": torch.zeros(out),
        "conv.0.weight": pick_in,
        "conv.0.bias": torch.zeros(inside * SPAN_GAIN),
        "conv.1.weight": middle,
        "conv.1.bias": torch.zeros(out * SPAN_GAIN),
        "conv.2.weight": pick_out,
        "conv.2.bias": bias,
        "eval_conv.weight": layer.weight,
        "eval_conv.bias": bias.clone(),
    }
