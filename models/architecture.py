"""The shapes an SVD network can have: what core's constructors need to build it at any width."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UNetArchitecture:
    """A video UNet (Blattmann et al. 2023), channels in = noisy latent + conditioning latent.

    The defaults are the published SVD. `num_head_channels` and `norm_num_groups` leave no trace in
    the weights' shapes, so a file that differs names them in its metadata.
    """

    model_channels: int = 320
    channel_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: tuple[int, ...] = (2, 2, 2, 2)
    transformer_depth: tuple[int, ...] = (1, 1, 1, 1, 1, 1, 0, 0)
    transformer_depth_output: tuple[int, ...] = (1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0)
    context_dim: int = 1024
    adm_in_channels: int = 768
    num_head_channels: int = 64
    norm_num_groups: int = 32

    def core_arguments(self) -> dict:
        """Arguments of core's `UNetModel`, without dtype, device and operations."""
        return {
            "image_size": 32,
            "in_channels": 8,
            "out_channels": 4,
            "model_channels": self.model_channels,
            "channel_mult": list(self.channel_mult),
            "num_res_blocks": list(self.num_res_blocks),
            "transformer_depth": list(self.transformer_depth),
            "transformer_depth_middle": 1,
            "transformer_depth_output": list(self.transformer_depth_output),
            "context_dim": self.context_dim,
            "adm_in_channels": self.adm_in_channels,
            "num_head_channels": self.num_head_channels,
            "num_heads": -1,
            "num_classes": "sequential",
            "legacy": False,
            "use_spatial_transformer": True,
            "use_linear_in_transformer": True,
            "use_temporal_attention": True,
            "use_temporal_resblock": True,
            "use_spatial_context": True,
            "extra_ff_mix_layer": True,
            "video_kernel_size": [3, 1, 1],
            "merge_strategy": "learned_with_images",
            "merge_factor": 0.0,
        }


@dataclass(frozen=True)
class VAEArchitecture:
    """An f8 autoencoder with four latent channels and SVD's temporal decoder."""

    channels: int = 128
    channel_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: int = 2
    norm_num_groups: int = 32

    def core_arguments(self) -> dict:
        """Arguments that core's `Encoder` and `VideoDecoder` share."""
        return {
            "double_z": True,
            "z_channels": 4,
            "resolution": 256,
            "in_channels": 3,
            "out_ch": 3,
            "ch": self.channels,
            "ch_mult": list(self.channel_mult),
            "num_res_blocks": self.num_res_blocks,
            "attn_resolutions": [],
            "dropout": 0.0,
        }


@dataclass(frozen=True)
class ImageEncoderArchitecture:
    """A CLIP vision transformer; the defaults are the ViT-H/14 inside the published checkpoints."""

    hidden_size: int = 1280
    num_hidden_layers: int = 32
    num_attention_heads: int = 16
    intermediate_size: int = 5120
    patch_size: int = 14
    image_size: int = 224
    projection_dim: int = 1024

    def core_arguments(self) -> dict:
        """The configuration that core's `ClipVisionModel` reads (transformers' names)."""
        return {
            "hidden_act": "gelu",
            "hidden_size": self.hidden_size,
            "image_size": self.image_size,
            "intermediate_size": self.intermediate_size,
            "layer_norm_eps": 1e-05,
            "model_type": "clip_vision_model",
            "num_attention_heads": self.num_attention_heads,
            "num_channels": 3,
            "num_hidden_layers": self.num_hidden_layers,
            "patch_size": self.patch_size,
            "projection_dim": self.projection_dim,
        }
