"""The shape of a MODEL's network, whichever loader made it."""

from __future__ import annotations

from dataclasses import fields

from comfy.model_patcher import ModelPatcher

from ..architecture import UNetArchitecture


def unet_architecture_of(model: ModelPatcher) -> UNetArchitecture:
    """The widths of a MODEL's UNet."""
    config = model.model.model_config.unet_config
    names = {field.name for field in fields(UNetArchitecture)}
    return UNetArchitecture(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in config.items()
            if name in names
        }
    )
