"""What sampling would need of memory, told before it begins."""

from __future__ import annotations

from comfy.model_patcher import ModelPatcher

from ..models.loader import info_of
from ..models.patches.device_memory import free_for_activations
from ..models.patches.memory import pass_of
from ..models.patches.svd_only import require_svd
from ..models.patches.unet_of import unet_architecture_of
from ..sampling.memory import GIBI, RUNGS, activation_bytes, plan_memory, share_a_pass

PUBLISHED = (14, 4, 72, 128)  # latents of 14 frames of 1024x576


def memory_forecast(model: ModelPatcher, budget: float | None, latent: dict | None) -> str:
    """Every rung with its estimate for the film of `latent`, the one chosen marked.

    Without a latent, for the size that the model was trained on.
    """
    require_svd(model, "SVD Memory Plan is")
    unet = unet_architecture_of(model)
    shape = latent["samples"].shape if latent else _native(model)
    one_pass = share_a_pass(unet, pass_of(model, shape), conds=2)
    limit = free_for_activations(model) if budget is None else budget
    chosen = plan_memory(unet, one_pass, limit)
    lines = [
        f"{one_pass.num_frames} frames of {one_pass.width * 8}x{one_pass.height * 8}, "
        f"{one_pass.element_size} bytes a number, {one_pass.attention.value} attention",
        f"budget {max(0, limit) / GIBI:.2f} GiB beside the weights"
        + (", what is free now" if budget is None else ""),
    ]
    for rung in RUNGS:
        mark = ">" if rung is chosen.rung and chosen.fits else " "
        need = activation_bytes(unet, one_pass, rung) / GIBI
        lines.append(f"{mark} {need:7.2f} GiB  {rung.name}")
    return "\n".join(lines if chosen.fits else [*lines, "nothing fits"])


def _native(model: ModelPatcher) -> tuple[int, int, int, int]:
    info = info_of(model)
    if info is None:
        return PUBLISHED
    return (info.num_frames, 4, info.height // 8, info.width // 8)
