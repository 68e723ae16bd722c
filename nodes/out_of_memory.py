"""What core's memory manager says: how much is free, and whether an error is that it ran out."""

from __future__ import annotations

import comfy.model_management as management
from comfy.sd import VAE

SAFE_SHARE = 0.8  # of the memory that is free


def is_oom(error: Exception) -> bool:
    """On the device, or on the host when that is the device."""
    if "can't allocate memory" in str(error):  # torch has no class of error for the CPU
        return True
    if hasattr(management, "is_oom"):  # 0.16.4 and newer; knows errors of drivers as well
        return management.is_oom(error)
    return isinstance(error, management.OOM_EXCEPTION)


def free_memory(vae: VAE) -> int:
    """Bytes free on the VAE's device."""
    # With dynamic memory (0.12 and newer) the patcher knows what it could give back.
    return getattr(vae.patcher, "get_free_memory", management.get_free_memory)(vae.device)
