"""What must hold before a LoRA is trained: the model, the clips, the device, the room on it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec

import comfy.model_management as management
import psutil
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ..models.lora.match import match_lora
from ..models.lora.weights import LoraWeights
from ..models.patches.device_memory import free_for_activations
from ..models.patches.lora import LORAS_ARE, unet_shapes
from ..models.patches.svd_only import require_svd
from ..models.patches.unet_of import unet_architecture_of
from ..sampling.ladder import NotEnoughMemoryError
from ..sampling.memory import GIBI
from ..training.clips.cache import load_clip
from ..training.clips.clip_set import ClipSet
from ..training.lora.need import ADAMW, ADAMW_8_BIT, EMA, TrainingNeed, TrainingStep, training_need
from ..training.lora.recipe import OPTIMIZERS, LoraRecipe
from ..video.fingerprint import fingerprint
from .lora_inputs import FROM_INPUT, find_lora

AUTO = "auto"
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}
LATENT_CHANNELS = 4


def require_trainable(model: ModelPatcher, clips: ClipSet) -> None:
    """Raise ValueError for a MODEL that is not SVD, or clips that it cannot be trained on."""
    require_svd(model, LORAS_ARE)
    if not clips.training:
        raise ValueError(
            f"There are no clips to train on in {clips.folder} ({len(clips.held_out)} are held "
            "out): give SVD Training Clips more films, or a validation_share of 0."
        )
    first = clips.training[0]
    clip = load_clip(clips.folder, first)
    width = unet_architecture_of(model).context_dim
    found = (clip.embedding.shape[-1], clip.latents.shape[1])
    if found != (width, LATENT_CHANNELS):
        raise ValueError(
            f"The clips were encoded for another model (embeddings of {found[0]} numbers, latents "
            f"of {found[1]} channels, and this MODEL has {width} and {LATENT_CHANNELS}): run SVD "
            "Training Clips with the VAE and the image encoder of this model."
        )


def resolved(recipe: LoraRecipe, device: torch.device) -> LoraRecipe:
    """The recipe with a precision instead of "auto": bf16 where the device computes in it.

    Raises ValueError for any other precision than these, and for an unknown optimizer.
    """
    if recipe.precision == AUTO:
        precision = "bf16" if management.should_use_bf16(device) else "fp32"
        recipe = replace(recipe, precision=precision)
    for name, known in (("precision", PRECISIONS), ("optimizer", OPTIMIZERS)):
        if getattr(recipe, name) not in known:
            raise ValueError(
                f"The {name} {getattr(recipe, name)} is unknown: choose {' or '.join(known)}."
            )
    return recipe


def fingerprint_of_clips(clips: ClipSet) -> str:
    """The same for clips that train the same, wherever they lie and whatever they are called."""
    rows = [asdict(entry) | {"source": ""} for entry in clips.entries]
    return fingerprint(rows)


def fingerprint_of_lora(weights: LoraWeights) -> str:
    return fingerprint({name: tensor.float() for name, tensor in weights.tensors("").items()})


def start_of(
    lora: Mapping[str, Tensor] | None, model: ModelPatcher, trained: Sequence[str]
) -> LoraWeights | None:
    """The LoRA to go on from, on the layers that are `trained`; raises ValueError without any."""
    if lora is None:
        return None
    found = match_lora(find_lora(FROM_INPUT, lora), unet_shapes(model)).weights
    known = found.only(trained)
    if not known.modules:
        raise ValueError(
            f"{found.name} has {len(found.modules)} adapters, and none is on a layer that is "
            "trained here: choose the branch and depth that it was trained with."
        )
    modules = {name: _with_alpha(adapter) for name, adapter in known.modules.items()}
    return LoraWeights(found.name, modules, found.metadata)


def _with_alpha(adapter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without an alpha in its file a LoRA works as if that were its rank."""
    down = adapter.get("lora_down.weight")
    return dict(adapter) if down is None else {"alpha": torch.tensor(float(len(down)))} | adapter


def new_optimizer(
    recipe: LoraRecipe, parameters: Iterable[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019), or with averages of 8 bits (Dettmers et al. 2022).

    Raises ValueError where there is no such optimizer.
    """
    options = {
        "lr": recipe.learning_rate, "betas": (0.9, 0.99), "weight_decay": recipe.weight_decay,
    }  # fmt: skip
    if recipe.optimizer == OPTIMIZERS[0]:
        return torch.optim.AdamW(parameters, **options)
    if device.type != "cuda" or find_spec("bitsandbytes") is None:
        raise ValueError(
            f"{recipe.optimizer} needs a CUDA GPU and the package bitsandbytes (pip install "
            f"bitsandbytes): choose {OPTIMIZERS[0]}, which trains as well in a little more memory."
        )
    return importlib.import_module("bitsandbytes").optim.AdamW8bit(parameters, **options)


def need_of(
    model: ModelPatcher, clips: ClipSet, recipe: LoraRecipe, modules: Sequence[str]
) -> TrainingNeed:
    """What a step on the largest of the clips takes."""
    largest = max(clips.entries, key=lambda e: e.num_frames * e.height * e.width)
    step = TrainingStep(
        (largest.num_frames, largest.height // 8, largest.width // 8),
        recipe.batch_size,
        PRECISIONS[recipe.precision],
        model.model_dtype(),
        recipe.checkpointing,
    )
    averages = ADAMW if recipe.optimizer == OPTIMIZERS[0] else ADAMW_8_BIT
    bytes_each = averages + (EMA if recipe.ema_decay else 0.0)
    return training_need(unet_architecture_of(model), step, modules, recipe.rank, bytes_each)


def require_room(need: TrainingNeed, model: ModelPatcher) -> str:
    """What to tell people of the need; raises NotEnoughMemoryError where it cannot be met.

    On a GPU that is short of room core leaves weights in host memory, so what counts is the need
    beside them. The memory of the host must be free: nothing else tells that it has run out.
    """
    device = model.load_device
    on_host = management.is_device_cpu(device)
    room = psutil.virtual_memory().available if on_host else management.get_total_memory(device)
    if need.beside_weights > room:
        raise NotEnoughMemoryError(too_little(need, room))
    free = free_for_activations(model)
    if need.beside_weights <= free:
        return need.describe()
    return (
        f"{need.describe()} Only {max(0.0, free) / GIBI:.2f} GiB are free beside the weights: it "
        "may be slow, or run out of memory."
    )


def too_little(need: TrainingNeed, room: float) -> str:
    return (
        f"{need.describe()} There are {room / GIBI:.2f} GiB: train on smaller or shorter clips, "
        "switch checkpointing on, lower batch_size, or close what else uses the memory."
    )
