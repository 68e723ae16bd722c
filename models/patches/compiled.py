"""torch.compile for the UNet's repeated transformer blocks, with few compilations.

Compiled as they are, blocks are compiled again for every place in the network, since core's code
looks at what it is told about that place; torch gives up after eight. Here a block is told only
what it needs, and one compilation serves all blocks of the same width, of any film. Blocks are
called by core's transformers and by those that `chunked_layers` runs in chunks alike.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import MethodType
from typing import Any

import comfy.model_management as management
import torch
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from .single_token import OVERRIDE, attend_outside

COMPILERS = ("g++", "clang++", "cl")
FRAMES = "activations_shape"  # core's name; the first number is all that anything here reads


def with_compiled_blocks(model: ModelPatcher, backend: str = "inductor") -> ModelPatcher:
    """A clone whose transformer blocks torch compiles when they first run.

    `backend`: as of torch.compile. Blocks that another node has replaced keep that. Raises
    RuntimeError, in one sentence, where inductor has nothing to compile with.
    """
    if backend == "inductor":
        _require_compiler(model.load_device)
    patched = without_compiled_blocks(model)
    for name, layer in model.model.diffusion_model.named_modules():
        forward = f"diffusion_model.{name}.forward"
        if isinstance(layer, BasicTransformerBlock) and forward not in patched.object_patches:
            patched.add_object_patch(forward, CompiledBlock(layer, backend))
    return patched


def without_compiled_blocks(model: ModelPatcher) -> ModelPatcher:
    """A clone with core's own blocks."""
    patched = model.clone()
    for name in [n for n, p in patched.object_patches.items() if isinstance(p, CompiledBlock)]:
        del patched.object_patches[name]
    return patched


class CompiledBlock:
    """The `forward` of a transformer block: compiled, or core's own where that would not do."""

    def __init__(self, block: BasicTransformerBlock, backend: str) -> None:
        # Weights that core has once patched take no gradient; torch would compile anew for those.
        block.requires_grad_(False)
        self._own = MethodType(type(block).forward, block)
        self._compiled: Callable = torch.compile(self._own, backend=backend, dynamic=True)
        self._layers = [layer for layer in block.modules() if hasattr(layer, "weight_function")]

    def __call__(
        self, x: Tensor, context: Tensor | None = None, transformer_options: dict | None = None
    ) -> Tensor:
        options = transformer_options or {}
        if _is_patched(options) or self._weights_are_made_anew():
            return self._own(x, context=context, transformer_options=options)
        return self._compiled(x, context=context, transformer_options=_bare(options))

    def _weights_are_made_anew(self) -> bool:
        """A LoRA in its window, or core with little memory, computes weights by functions."""
        return any(layer.weight_function or layer.bias_function for layer in self._layers)


def _bare(options: dict) -> dict:
    """What a block goes by: its frames, and on a CPU how to leave its attention to core."""
    bare = {FRAMES: options[FRAMES][:1]} if FRAMES in options else {}
    # Core's attention without torch's kernels asks for free memory, which no graph can hold.
    return bare if management.pytorch_attention_enabled() else bare | {OVERRIDE: attend_outside}


def _is_patched(options: dict) -> bool:
    places = (options.get("patches", {}), options.get("patches_replace", {}))
    return OVERRIDE in options or any(any(place.values()) for place in places)


def _require_compiler(device: torch.device) -> None:
    """Raise RuntimeError where torch could not compile for `device`."""
    compiler: Any = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    if device.type != "cpu" and find_spec("triton") is None:
        missing = "the package triton is"
    elif device.type == "cpu" and (compiler is None or shutil.which(compiler) is None):
        missing = "a C++ compiler (g++, clang++ or cl) is"
    elif not Path(sysconfig.get_path("include"), "Python.h").is_file():
        missing = "Python's C headers (the package python3-dev on many systems) are"
    else:
        return
    raise RuntimeError(
        f"torch.compile needs what is not here: {missing} missing; install that, or take SVD "
        "Compile out of the graph."
    )
