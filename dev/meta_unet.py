"""Core's video UNet on the meta device: its allocations without its arithmetic."""

from __future__ import annotations

from unittest.mock import Mock

import comfy.ops
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.loader import set_norm_groups
from svd_studio.models.patches.chunked_layers import chunk_layers
from svd_studio.sampling.memory import Pass, Rung
from svd_studio.sampling.parked_skips import ParkedSkips

META = torch.device("meta")


class MetaUNet:
    """Or on another device, to see what that one counts; the weights are never initialised."""

    def __init__(
        self,
        architecture: UNetArchitecture,
        dtype: torch.dtype,
        device: torch.device = META,
    ) -> None:
        self.architecture, self.dtype, self.device = architecture, dtype, device
        self.unet = UNetModel(
            **architecture.core_arguments(),
            dtype=dtype,
            device=device,
            operations=comfy.ops.disable_weight_init,
        )
        set_norm_groups(self.unet, architecture.norm_num_groups)

    def run(self, one_pass: Pass, rung: Rung) -> None:
        """One pass as `rung` would do it; skips that wait in host memory leave the device."""
        frames = one_pass.num_frames * one_pass.conds
        size = (one_pass.height, one_pass.width)
        options = {}
        if rung.park_skips:
            skips = ParkedSkips(self._to_host)
            options["patches"] = skips.patches({})
        patched = self._chunk(rung.chunk_elements)
        try:
            with torch.inference_mode():
                self.unet(
                    self._empty(frames, 8, *size),
                    torch.empty(frames, device=self.device),
                    self._empty(frames, 1, self.architecture.context_dim),
                    y=self._empty(frames, self.architecture.adm_in_channels),
                    num_video_frames=one_pass.num_frames,
                    transformer_options=options,
                )
        finally:
            for layer in patched:
                del layer.forward

    def _chunk(self, elements: int | None) -> list[torch.nn.Module]:
        """Patch the layers as a MODEL's object patches would; returns those that were."""
        model = Mock(object_patches={}, model=Mock(diffusion_model=self.unet))
        model.add_object_patch = model.object_patches.__setitem__
        chunk_layers(model, elements, [])
        for patch in model.object_patches.values():
            patch.layer.forward = patch
        return [patch.layer for patch in model.object_patches.values()]

    def _to_host(self, h: torch.Tensor) -> torch.Tensor:
        if self.device is not META:
            return h.cpu()
        return torch.empty_strided(h.shape, h.stride(), dtype=h.dtype)

    def _empty(self, *shape: int) -> torch.Tensor:
        return torch.empty(shape, dtype=self.dtype, device=self.device)
