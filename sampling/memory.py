"""How much memory a pass of the video UNet needs, and the cheapest exact way that fits a budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from .unet_layers import Layer, UNetWidths, walk

MEBI, GIBI = 2**20, 2**30


@dataclass(frozen=True)
class Rung:
    """One exact way through the UNet; further rungs hold less and take longer, if at all.

    `chunk_elements`: see `chunking.Chunking`; None is core's own code, untouched.
    `park_skips`: what the encoder half keeps for the decoder half waits in host memory.
    """

    name: str
    chunk_elements: int | None = None
    park_skips: bool = False


RUNGS = (
    Rung("whole"),
    Rung("large chunks", chunk_elements=128 * MEBI),
    Rung("small chunks", chunk_elements=32 * MEBI),
    Rung("small chunks, skips in host memory", chunk_elements=32 * MEBI, park_skips=True),
)


# Conditionings of a film so small share a pass: it keeps a GPU busy, and fits anywhere. Those of a
# larger one take turns even where memory is plenty: kernels round differently for other batches.
TOGETHER_BELOW = 256 * MEBI


class AttentionKind(str, Enum):
    """FLASH holds its output alone. SLICED is core's own code for devices without such kernels."""

    FLASH = "flash"
    SLICED = "sliced"


# Core's sliced attention takes larger slices where more memory is free. With this much more than
# flash attention needs, it was never seen to take more than there is; a test repeats that.
SLICED_ATTENTION_ROOM = 1.3


@dataclass(frozen=True)
class Pass:
    """One pass of the UNet: latents (conds * num_frames, 8, height, width), as latent pixels."""

    num_frames: int
    height: int
    width: int
    element_size: int
    conds: int = 1
    attention: AttentionKind = AttentionKind.FLASH


@dataclass(frozen=True)
class MemoryPlan:
    """A rung, the activations in bytes that it needs, and the budget it was chosen for."""

    rung: Rung
    estimate: int
    budget: float

    @property
    def fits(self) -> bool:
        return self.estimate <= self.budget

    def describe(self) -> str:
        budget = "unlimited" if self.budget == float("inf") else f"{self.budget / GIBI:.2f} GiB"
        return f"{self.rung.name}: estimate {self.estimate / GIBI:.2f} GiB, budget {budget}"


def plan_memory(
    unet: UNetWidths,
    one_pass: Pass,
    budget: float,
    rungs: tuple[Rung, ...] = RUNGS,
) -> MemoryPlan:
    """The first of `rungs` whose estimate is within `budget` bytes, else the last."""
    for rung in rungs:
        plan = MemoryPlan(rung, activation_bytes(unet, one_pass, rung), budget)
        if plan.fits:
            break
    return plan


def share_a_pass(unet: UNetWidths, one_pass: Pass, conds: int) -> Pass:
    """The pass with all `conds` conditionings where the film is small enough, else with one.

    A matter of the film and not of the memory there is, so that it is the same everywhere.
    """
    together = replace(one_pass, conds=conds, attention=AttentionKind.FLASH)
    fits = activation_bytes(unet, together, RUNGS[0]) <= TOGETHER_BELOW
    return replace(one_pass, conds=conds if fits else 1)


def activation_bytes(unet: UNetWidths, one_pass: Pass, rung: Rung) -> int:
    """Peak of a pass beside the weights, at most 10 % off what counting live tensors gives."""
    frames = one_pass.num_frames * one_pass.conds
    elements = max(
        layer.held(rung.park_skips) * frames + _allocated(layer, frames, rung.chunk_elements)
        for layer in walk(unet, one_pass.height, one_pass.width)
    )
    room = SLICED_ATTENTION_ROOM if one_pass.attention is AttentionKind.SLICED else 1
    return int(elements * one_pass.element_size * room)


def _allocated(layer: Layer, frames: int, chunk_elements: int | None) -> int:
    if chunk_elements is None:
        return layer.whole(frames)
    return layer.chunked(frames, chunk_elements)
