"""A MODEL made ready to train a LoRA on: core's own adapters, and layers that are computed twice.

Core's trainer hands adapters to layers the same way; the frozen weights stay where core put them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import comfy.model_management
import torch
from comfy.ldm.modules.attention import SpatialVideoTransformer, attention_pytorch
from comfy.ldm.modules.diffusionmodules.openaimodel import VideoResBlock
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter import LoRAAdapter
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..lora.weights import CORE_PREFIX


class Adapters(nn.Module):
    """Core's LoRA layers by module of the UNet, in float32 whatever the UNet computes in."""

    def __init__(self, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = tuple(layers)
        self.layers = nn.ModuleList(layers.values())

    def trained(self) -> list[nn.Parameter]:
        return [p for p in self.parameters() if p.requires_grad]

    def by_module(self) -> dict[str, dict[str, Tensor]]:
        """Copies of the adapters' tensors, as `LoraWeights` has them."""
        pairs = zip(self.names, self.layers, strict=True)
        return {
            name: {role: t.detach().clone() for role, t in layer.state_dict().items()}
            for name, layer in pairs
        }

    def load(self, modules: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from the adapters of another run; modules that it does not have stay as they are.

        Raises ValueError when a factor has another shape, as with another rank.
        """
        for name, layer in zip(self.names, self.layers, strict=True):
            for role, given in modules.get(name, {}).items():
                own = layer.state_dict().get(role)
                if own is None or own.numel() != given.numel():
                    raise ValueError(
                        f"The LoRA to go on from has {role} of {tuple(given.shape)} at {name}: "
                        "train with its own rank, and plain LoRA."
                    )
                own.copy_(given.reshape(own.shape))  # PEFT keeps a kernel's axes


def add_adapters(
    model: ModelPatcher, modules: Sequence[str], rank: int, alpha: float, seed: int
) -> Adapters:
    """Give `modules` of `model`, a clone of the caller's, adapters that change nothing yet.

    The first factor is drawn from `seed`, uniformly as Hu et al. (2021) do; the second is zero.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name in modules:
        key = f"{CORE_PREFIX}{name}.weight"
        shape = model.get_model_object(key).shape
        layers[name] = new_adapter(shape, rank, alpha, generator)
        model.add_weight_wrapper(key, layers[name])
    return Adapters(layers)


def new_adapter(
    shape: Sequence[int], rank: int, alpha: float, generator: torch.Generator
) -> nn.Module:
    """Core's LoRA layer for a weight of `shape`, which adds nothing yet."""
    inputs = math.prod(shape[1:])
    down = (torch.rand(rank, inputs, generator=generator) * 2 - 1) / math.sqrt(inputs)
    factors = (torch.zeros(shape[0], rank), down, float(alpha), None, None, None)
    with torch.random.fork_rng(devices=[]):  # core's constructor draws numbers and drops them
        return LoRAAdapter(set(), factors).to_train()


def checkpoint_layers(model: ModelPatcher) -> None:
    """Keep only the inputs of the large layers for the backward pass, and compute them again."""
    for name, layer in model.model.diffusion_model.named_modules():
        if isinstance(layer, (VideoResBlock, SpatialVideoTransformer)):
            model.add_object_patch(f"{CORE_PREFIX}{name}.forward", Checkpointed(layer))


class Checkpointed:
    """A layer's `forward` whose inside is forgotten and computed again (Chen et al. 2016)."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def __call__(self, *args: object, **kwargs: object) -> Tensor:
        forward = type(self.layer).forward
        if not torch.is_grad_enabled():
            return forward(self.layer, *args, **kwargs)
        options = {"use_reentrant": False, "preserve_rng_state": False}
        return checkpoint(forward, self.layer, *args, **options, **kwargs)


def training_options() -> dict:
    """Transformer options: attention that keeps no score matrix for the backward pass."""

    def attention(_: object, *args: object, **kwargs: object) -> Tensor:
        return attention_pytorch(*args, **kwargs)

    return {"optimized_attention_override": attention}


@contextmanager
def loaded_for_training(
    model: ModelPatcher, adapters: Adapters, dtype: torch.dtype, memory: int
) -> Iterator[nn.Module]:
    """The UNet of `model` on its device, computing in `dtype`, with gradients possible.

    `memory`: bytes that training needs beside the weights. Afterwards the network is as it was.
    """
    with torch.inference_mode(False), torch.enable_grad():
        model.set_model_compute_dtype(dtype)
        comfy.model_management.load_models_gpu([model], memory_required=memory)
        unet = model.model.diffusion_model
        _leave_inference_mode(unet)
        unet.requires_grad_(False)
        adapters.to(model.load_device)
        try:
            yield unet
        finally:
            ours = {id(layer) for layer in adapters.layers}
            model.detach()
            for module in unet.modules():
                if getattr(module, "weight_function", None):
                    kept = [f for f in module.weight_function if id(f) not in ours]
                    module.weight_function = kept


def _leave_inference_mode(network: nn.Module) -> None:
    """ComfyUI loads models in inference mode; autograd refuses to keep such tensors."""
    for module in network.modules():
        for name, tensor in module.named_parameters(recurse=False):
            if tensor.is_inference():
                setattr(module, name, nn.Parameter(tensor.clone(), requires_grad=False))
        for name, tensor in module.named_buffers(recurse=False):
            if tensor.is_inference():
                setattr(module, name, tensor.clone())
