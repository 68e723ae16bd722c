"""From files to ComfyUI objects: core's networks at the detected width, filled and wrapped."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import comfy.clip_vision
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.sd
import comfy.supported_models
import torch
from comfy.ldm.models.autoencoder import AutoencodingEngine
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

from .architecture import UNetArchitecture, VAEArchitecture
from .sources import SVDSource
from .svd import SVDInfo, image_encoder_architecture
from .weight_files import WeightFileError

INFO_KEY = "svd_studio"
PRECISIONS = {
    "auto": None,
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


class LoadedSVD(NamedTuple):
    model: comfy.model_patcher.ModelPatcher
    image_encoder: comfy.clip_vision.ClipVisionModel
    vae: comfy.sd.VAE


def load_svd(source: SVDSource, precision: str = "auto") -> LoadedSVD:
    """Build, fill and wrap the three networks; `precision` is a key of PRECISIONS."""
    loaded = LoadedSVD(
        _load_model(source, PRECISIONS[precision]),
        _load_image_encoder(source),
        _load_vae(source),
    )
    loaded.model.set_attachments(INFO_KEY, source.info)
    loaded.vae.svd_info = source.info
    return loaded


def info_of(carrier: Any) -> SVDInfo | None:  # noqa: ANN401 - a MODEL or a VAE from any pack
    """What `load_svd` found out about this MODEL or VAE; None when another loader made it."""
    attachments = getattr(carrier, "attachments", {})
    return attachments.get(INFO_KEY) or getattr(carrier, "svd_info", None)


def _load_model(source: SVDSource, dtype: torch.dtype | None) -> comfy.model_patcher.ModelPatcher:
    management = comfy.model_management
    weights = source.read_unet()
    arguments = source.unet_architecture.core_arguments()
    config = comfy.supported_models.SVD_img2vid(arguments)
    config.unet_config |= arguments  # core's constructor puts the published head size over ours
    if dtype is None:
        dtype = management.unet_dtype(
            model_params=sum(tensor.numel() for tensor in weights.values()),
            supported_dtypes=config.supported_inference_dtypes,
            weight_dtype=next(iter(weights.values())).dtype,
        )
    device = management.get_torch_device()
    cast = None
    if dtype is not torch.bfloat16 or not computes_in_bf16(device):
        cast = management.unet_manual_cast(dtype, device, config.supported_inference_dtypes)
    config.set_inference_dtype(dtype, cast)
    offload_device = management.unet_offload_device()
    model = comfy.model_base.SVD_img2vid(config, device=offload_device)
    set_norm_groups(model.diffusion_model, source.unet_architecture.norm_num_groups)
    _require_whole(model.diffusion_model, weights, "UNet", source.info.name)
    model.load_model_weights(weights, "")
    return _patcher_class()(model, load_device=device, offload_device=offload_device)


def _load_image_encoder(source: SVDSource) -> comfy.clip_vision.ClipVisionModel:
    weights = source.image_encoder.read()
    weights = comfy.clip_vision.convert_to_transformers(weights, "")
    shapes = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    arguments = image_encoder_architecture(shapes).core_arguments()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"  # core takes the configuration as a file
        config.write_text(json.dumps(arguments))
        encoder = comfy.clip_vision.ClipVisionModel(str(config))
    _require_whole(encoder.model, weights, "image encoder", source.info.name)
    encoder.load_sd(weights)
    return encoder


def _load_vae(source: SVDSource) -> comfy.sd.VAE:
    weights = source.read_vae()
    if source.vae_architecture is None:
        return comfy.sd.VAE(sd=weights)
    if source.vae_architecture == VAEArchitecture():
        vae = comfy.sd.VAE(sd=weights)
    else:
        vae = NarrowVAE(source.vae_architecture, weights)
    _require_whole(vae.first_stage_model, weights, "VAE", source.info.name)
    return vae


def _require_whole(network: nn.Module, weights: dict[str, Tensor], part: str, name: str) -> None:
    """Core fills what it finds and leaves the rest uninitialised, which films as noise."""
    for key, wanted in network.state_dict().items():
        found = weights.get(key)
        if found is None or found.shape != wanted.shape:
            state = "is missing" if found is None else f"has the shape {tuple(found.shape)}"
            raise WeightFileError(
                f"The {part} of {name} is damaged ({key} {state}): download or copy it again."
            )


def computes_in_bf16(device: torch.device) -> bool:
    """A CPU with instructions for bf16; core takes every CPU for one without.

    There it stores bf16 and computes in fp32, three times as long as AMX takes.
    """
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # torch has no public ones
    return device.type == "cpu" and any(getattr(torch.cpu, n, lambda: False)() for n in names)


class NarrowVAE(comfy.sd.VAE):
    """Core's VAE around a temporal autoencoder of another width than the published one."""

    def __init__(self, architecture: VAEArchitecture, weights: dict[str, Tensor]) -> None:
        super().__init__(sd={})  # sets everything but the network, and logs that there is none
        management = comfy.model_management
        network = build_vae(architecture).eval()
        network.load_state_dict(weights, strict=False)
        self.device = management.vae_device()
        self.vae_dtype = management.vae_dtype(self.device, self.working_dtypes)
        self.output_device = management.intermediate_device()
        self.first_stage_model = network.to(self.vae_dtype)
        self.patcher = _patcher_class()(
            network, load_device=self.device, offload_device=management.vae_offload_device()
        )


def _patcher_class() -> type:
    # Since 0.12 core picks its patcher (with or without dynamic memory) under this name.
    patcher = comfy.model_patcher
    return getattr(patcher, "CoreModelPatcher", patcher.ModelPatcher)


def build_unet(architecture: UNetArchitecture, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Core's video UNet on the CPU with uninitialised weights, for training."""
    operations = comfy.ops.disable_weight_init
    unet = UNetModel(
        **architecture.core_arguments(), dtype=dtype, device="cpu", operations=operations
    )
    set_norm_groups(unet, architecture.norm_num_groups)
    return unet


def build_vae(architecture: VAEArchitecture) -> nn.Module:
    """Core's autoencoder with SVD's temporal decoder, weights uninitialised."""
    arguments = architecture.core_arguments()
    core = "comfy.ldm.modules"
    vae = AutoencodingEngine(
        regularizer_config={
            "target": "comfy.ldm.models.autoencoder.DiagonalGaussianRegularizer",
        },
        encoder_config={
            "target": f"{core}.diffusionmodules.model.Encoder",
            "params": arguments,
        },
        decoder_config={
            "target": f"{core}.temporal_ae.VideoDecoder",
            "params": arguments | {"video_kernel_size": [3, 1, 1], "alpha": 0.0},
        },
    )
    set_norm_groups(vae, architecture.norm_num_groups)
    return vae


def set_norm_groups(network: nn.Module, groups: int) -> None:
    """Core builds every group norm with 32 groups; narrow networks were trained with fewer."""
    for module in network.modules():
        if isinstance(module, nn.GroupNorm):
            module.num_groups = groups
