"""Muon for kernels, AdamW for the rest, and a warmed-up average of the weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

SMALLEST_MATRIX = 8


class MuonAdamW:
    """Muon (Jordan 2024) on every kernel seen as a matrix (out, in * taps), AdamW elsewhere.

    Muon's learning rate is in AdamW's units (update RMS matched, Liu et al. 2025). Parameters whose
    names start with one of `adam_prefixes`, and those too thin to orthogonalise, go to AdamW.
    """

    def __init__(
        self,
        named_parameters: Iterable[tuple[str, nn.Parameter]],
        muon_lr: float,
        adam_lr: float,
        adam_prefixes: tuple[str, ...] = (),
    ) -> None:
        self.kernels: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in named_parameters:
            matrix = parameter.ndim > 1 and min(_as_matrix(parameter).shape) >= SMALLEST_MATRIX
            is_kernel = matrix and not name.startswith(adam_prefixes or ("\0",))
            (self.kernels if is_kernel else others).append(parameter)
        # torch's Muon takes matrices only: each view shares its kernel's storage.
        self.views = [nn.Parameter(_as_matrix(kernel.detach())) for kernel in self.kernels]
        self.muon = torch.optim.Muon(
            self.views, lr=muon_lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.99), weight_decay=0.0)
        self.base_lr = (muon_lr, adam_lr)

    def step(self, lr_scale: float) -> None:
        """One update with both learning rates multiplied by `lr_scale`; clears the gradients."""
        for optimizer, lr in zip((self.muon, self.adam), self.base_lr, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = lr * lr_scale
        for view, kernel in zip(self.views, self.kernels, strict=True):
            view.grad = None if kernel.grad is None else _as_matrix(kernel.grad)
        self.muon.step()
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        for view, kernel in zip(self.views, self.kernels, strict=True):
            view.grad = kernel.grad = None

    def state_dict(self) -> dict:
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])


def _as_matrix(tensor: Tensor) -> Tensor:
    return tensor.reshape(tensor.shape[0], -1)


def exponential_average(module: nn.Module, decay: float) -> AveragedModel:
    """An average of `module` that forgets its random start: decay grows as (1 + n) / (10 + n)."""

    def average(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        n = int(count)
        torch._foreach_lerp_(averaged, current, 1.0 - min(decay, (1 + n) / (10 + n)))

    return AveragedModel(module, multi_avg_fn=average)
