"""What core's memory manager says: how much is free, and whether an error is that it ran out."""

from __future__ import annotations

import comfy.model_management as management
from comfy.model_patcher import ModelPatcher

SAFE_SHARE = 0.85  # of the memory that is free: kernels and fragments take some, too


def is_oom(error: Exception) -> bool:
    """Memory ran out on the device, or on the host when that is the device."""
    if "can't allocate memory" in str(error):  # torch has no class of error for the CPU
        return True
    if hasattr(management, "is_oom"):  # 0.16.4 and newer; knows errors of drivers as well
        return management.is_oom(error)
    return isinstance(error, management.OOM_EXCEPTION)


def free_on_device(patcher: ModelPatcher) -> float:
    """Bytes free on the patcher's device, without what kernels and fragments need."""
    device = patcher.load_device
    # With dynamic memory (0.12 and newer) the patcher knows what it could give back.
    free = getattr(patcher, "get_free_memory", management.get_free_memory)(device)
    return free * SAFE_SHARE


def free_for_activations(patcher: ModelPatcher) -> float:
    """Bytes that are free, or that core would free, beside all of the patcher's weights."""
    device = patcher.load_device
    if management.is_device_cpu(device):
        return free_on_device(patcher)
    if hasattr(patcher, "get_free_memory"):  # counts weights, ours among them
        return free_on_device(patcher) - patcher.model_size()
    others = sum(
        loaded.model_loaded_memory()
        for loaded in management.current_loaded_models
        if loaded.device == device and loaded.model and not patcher.is_clone(loaded.model)
    )
    free = free_on_device(patcher) + others * SAFE_SHARE - management.extra_reserved_memory()
    return free - (patcher.model_size() - patcher.loaded_size())
