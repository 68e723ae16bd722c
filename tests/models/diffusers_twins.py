"""The same networks in diffusers and transformers, and the miniature as a folder of theirs."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from diffusers.models.unets.unet_3d_blocks import MidBlockTemporalDecoder
from safetensors.torch import save_file
from svd_studio.models.architecture import UNetArchitecture, VAEArchitecture
from svd_studio.models.diffusers_keys import rename, unet_pairs, vae_to_diffusers
from svd_studio.models.sources import SVDSource
from torch import Tensor, nn

TOLD = 256  # numbers for each of frame rate, motion bucket and augmentation level


def unet_twin(architecture: UNetArchitecture) -> UNetSpatioTemporalConditionModel:
    """diffusers' UNet of this architecture; like it, one transformer depth a level.

    diffusers norms most residual blocks with an epsilon of 1e-6, Stability's code and core all of
    them with 1e-5.
    """
    firsts = [0, *accumulate(architecture.num_res_blocks[:-1])]
    levels = [architecture.transformer_depth[first] for first in firsts]
    kinds = ["CrossAttn" if depth else "" for depth in levels]
    widths = tuple(architecture.model_channels * mult for mult in architecture.channel_mult)
    twin = UNetSpatioTemporalConditionModel(
        down_block_types=tuple(f"{kind}DownBlockSpatioTemporal" for kind in kinds),
        up_block_types=tuple(f"{kind}UpBlockSpatioTemporal" for kind in reversed(kinds)),
        block_out_channels=widths,
        addition_time_embed_dim=TOLD,
        projection_class_embeddings_input_dim=architecture.adm_in_channels,
        layers_per_block=architecture.num_res_blocks,
        cross_attention_dim=architecture.context_dim,
        transformer_layers_per_block=tuple(depth or 1 for depth in levels),
        num_attention_heads=tuple(width // architecture.num_head_channels for width in widths),
    )
    for name, module in twin.named_modules():
        if ".resnets." in name and isinstance(module, nn.GroupNorm):
            module.eps = 1e-5
    return _with_norm_groups(twin, architecture.norm_num_groups)


def vae_twin(architecture: VAEArchitecture) -> AutoencoderKLTemporalDecoder:
    """diffusers' autoencoder of this architecture.

    diffusers gives the decoder's middle as many blocks as a level has, checkpoints always two.
    """
    widths = tuple(architecture.channels * mult for mult in architecture.channel_mult)
    twin = AutoencoderKLTemporalDecoder(
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        block_out_channels=widths,
        layers_per_block=architecture.num_res_blocks,
    )
    twin.decoder.mid_block = MidBlockTemporalDecoder(widths[-1], widths[-1], widths[-1], 2)
    return _with_norm_groups(twin, architecture.norm_num_groups)


def _with_norm_groups(network: nn.Module, groups: int) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.GroupNorm):
            module.num_groups = groups
    return network.eval()


def diffusers_weights(source: SVDSource) -> dict[str, dict[str, Tensor]]:
    """The three networks of a checkpoint under the names that diffusers folders use."""
    from comfy.clip_vision import convert_to_transformers

    image_encoder = convert_to_transformers(source.image_encoder.read(), "")
    return {
        "unet": rename(source.read_unet(), unet_pairs(source.unet_architecture)),
        "vae": vae_to_diffusers(source.read_vae(), source.vae_architecture),
        "image_encoder": {name: t.contiguous() for name, t in image_encoder.items()},
    }


def write_folder(source: SVDSource, folder: Path) -> Path:
    """A diffusers folder; what shapes do not tell is in the files' metadata, as in the checkpoint.

    Norm groups and head size have no place in diffusers' own folders: published SVD has the usual.
    """
    for part, weights in diffusers_weights(source).items():
        (folder / part).mkdir(parents=True)
        file = "model" if part == "image_encoder" else "diffusion_pytorch_model"
        metadata = dict(source.unet.weights.metadata)
        save_file(weights, folder / part / f"{file}.safetensors", metadata)
    (folder / "unet" / "config.json").write_text(json.dumps({"num_frames": 25}))
    return folder


def on_meta(build, *arguments) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the network that `build` makes, without its memory."""
    with torch.device("meta"):
        network = build(*arguments)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
