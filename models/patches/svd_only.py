"""What a MODEL has to be for the patches here."""

from __future__ import annotations

from comfy.model_base import SVD_img2vid
from comfy.model_patcher import ModelPatcher


def is_svd(model: ModelPatcher) -> bool:
    """A video UNet of Stable Video Diffusion, whichever loader made it."""
    return isinstance(model.model, SVD_img2vid)


def require_svd(model: ModelPatcher, what_is: str) -> None:
    """Raise ValueError for another model; the sentence begins as `what_is`, "SVD Compile is"."""
    if not is_svd(model):
        raise ValueError(
            f"{what_is} for Stable Video Diffusion, and this MODEL is a "
            f"{type(model.model).__name__}: connect the MODEL of Load SVD Model."
        )
