"""A LoRA in memory: adapters by module of the UNet, under one naming."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

CORE_PREFIX = "diffusion_model."


@dataclass(frozen=True)
class LoraWeights:
    """Adapters by module of the UNet, whatever file they came from.

    `modules`: module's checkpoint name without a prefix
    (`input_blocks.1.1.time_stack.0.attn1.to_q`) to the adapter's tensors under ComfyUI's names:
    `lora_up.weight` (out, rank), `lora_down.weight` (rank, in), `alpha` (), `dora_scale`,
    `hada_w1_a` ..., `lokr_w1` ..., `diff`, `diff_b`.
    """

    name: str
    modules: Mapping[str, Mapping[str, Tensor]]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def tensors(self, prefix: str = CORE_PREFIX) -> dict[str, Tensor]:
        """One flat mapping, as ComfyUI's own loader wants it."""
        return {
            f"{prefix}{module}.{role}": tensor
            for module, adapter in self.modules.items()
            for role, tensor in adapter.items()
        }

    def only(self, modules: Iterable[str]) -> LoraWeights:
        """The adapters of `modules` alone."""
        wanted = set(modules)
        kept = {name: adapter for name, adapter in self.modules.items() if name in wanted}
        return LoraWeights(self.name, kept, self.metadata)


class LoraModel(dict[str, Tensor]):
    """Core's LORA_MODEL, tensors under `diffusion_model.` names, that keeps what is known of it."""

    def __init__(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        super().__init__(tensors)
        self.metadata = dict(metadata)
