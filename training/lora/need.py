"""What training a LoRA takes of the device's memory, said before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ...models.architecture import UNetArchitecture
from ...models.patches.lora_dry_run import META, dry_network
from ..live_tensors import LivePeak
from ..objective import v_target
from .conditioning import ClipConditioning, unet_denoiser

GIBI = 2**30
ADAMW = 8.0  # bytes a trained number: two averages in float32
ADAMW_8_BIT = 2.0 + 8 / 256  # two averages in a byte each, and their scales for every 256 numbers
EMA = 4.0  # more, when an average of the weights is kept


@dataclass(frozen=True)
class TrainingStep:
    """One forward and backward pass over `batch` clips of latents, `shape` (T, h, w) each.

    The UNet computes in `dtype`. Weights stored in another one (`weights_dtype`) are cast as they
    are used, and without `checkpointing` the casts wait for the backward pass.
    """

    shape: tuple[int, int, int]
    batch: int = 1
    dtype: torch.dtype = torch.bfloat16
    weights_dtype: torch.dtype | None = None
    checkpointing: bool = True


@dataclass(frozen=True)
class TrainingNeed:
    """Bytes on the device. `activations` is the peak of one step beside everything else."""

    weights: int
    activations: int
    adapters: int
    gradients: int
    optimizer: int

    @property
    def total(self) -> int:
        return sum(getattr(self, part.name) for part in fields(self))

    @property
    def beside_weights(self) -> int:
        """What must be free once the UNet is loaded."""
        return self.total - self.weights

    def describe(self) -> str:
        """One sentence for people, in GiB."""
        parts = (f"{getattr(self, part.name) / GIBI:.2f} {part.name}" for part in fields(self))
        return f"Training needs about {self.total / GIBI:.2f} GiB: {', '.join(parts)}."


@torch.inference_mode(False)
@torch.enable_grad()
def training_need(
    architecture: UNetArchitecture,
    step: TrainingStep,
    modules: Sequence[str],
    rank: int,
    optimizer_bytes: float = ADAMW,
) -> TrainingNeed:
    """Count a step of the UNet with adapters of `rank` on `modules` on the meta device.

    `optimizer_bytes` are what the optimizer, and an average, keep for every trained number.
    The count is of tensors, as a real step with attention in a fused kernel makes them. What it
    cannot know: the workspaces of CUDA's libraries, the CUDA context and what the allocator loses
    between blocks; leave room for them. ComfyUI may also leave part of the weights in host memory.
    """
    network = dry_network(
        architecture,
        modules,
        rank,
        step.dtype,
        step.weights_dtype or step.dtype,
        step.checkpointing,
    )
    trained = network.adapters.trained()
    for parameter in trained:  # as after the first batch of an accumulation
        parameter.grad = torch.zeros_like(parameter)
    denoiser = unet_denoiser(network.unet, step.dtype, network.options)
    with LivePeak("meta") as live:
        _step(denoiser, architecture, step)
    numbers = sum(parameter.numel() for parameter in trained)
    return TrainingNeed(
        weights=_bytes(network.unet.parameters()),
        activations=live.peak,
        adapters=_bytes(network.adapters.parameters()),
        gradients=_bytes(trained),
        optimizer=round(numbers * optimizer_bytes),
    )


def _step(
    denoiser: Callable[..., Tensor], architecture: UNetArchitecture, step: TrainingStep
) -> None:
    """A step as `LoraStage` makes it, without its numbers."""
    batch, (frames, height, width) = step.batch, step.shape
    x0 = torch.empty(batch, frames, 4, height, width, device=META)
    noise, sigma = torch.empty_like(x0), torch.empty(batch, device=META)
    cond = ClipConditioning(
        torch.empty(batch, 4, height, width, device=META),
        torch.empty(batch, 1, architecture.context_dim, device=META),
        torch.empty(batch, architecture.adm_in_channels, device=META),
    )
    level = sigma.view(-1, 1, 1, 1, 1)
    output = denoiser(x0 + level * noise, sigma, cond)
    (output - v_target(x0, noise, level)).square().mean().backward()


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
