"""Names of the same weights in checkpoints (sgm) and in diffusers folders, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from .architecture import UNetArchitecture, VAEArchitecture

# (sgm, diffusers) prefixes of modules and parameters.
Pairs = Iterator[tuple[str, str]]

UNET_RES_BLOCK = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
VAE_RES_BLOCK = {
    "norm1": "norm1",
    "conv1": "conv1",
    "norm2": "norm2",
    "conv2": "conv2",
    "nin_shortcut": "conv_shortcut",
}
VAE_ATTENTION = {
    "norm": "group_norm",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
}


def unet_pairs(architecture: UNetArchitecture) -> Pairs:
    """Every module of the UNet under both names."""
    yield "time_embed.0", "time_embedding.linear_1"
    yield "time_embed.2", "time_embedding.linear_2"
    yield "label_emb.0.0", "add_embedding.linear_1"
    yield "label_emb.0.2", "add_embedding.linear_2"
    yield "input_blocks.0.0", "conv_in"
    yield "out.0", "conv_norm_out"
    yield "out.2", "conv_out"
    yield from _unet_block("middle_block.0", "mid_block.resnets.0")
    yield from _unet_transformer("middle_block.1", "mid_block.attentions.0")
    yield from _unet_block("middle_block.2", "mid_block.resnets.1")
    yield from _unet_down(architecture)
    yield from _unet_up(architecture)


def _unet_down(architecture: UNetArchitecture) -> Pairs:
    number, depths = 1, iter(architecture.transformer_depth)
    last = len(architecture.num_res_blocks) - 1
    for level, blocks in enumerate(architecture.num_res_blocks):
        for block in range(blocks):
            theirs = f"down_blocks.{level}"
            yield from _unet_block(f"input_blocks.{number}.0", f"{theirs}.resnets.{block}")
            if next(depths):
                sgm = f"input_blocks.{number}.1"
                yield from _unet_transformer(sgm, f"{theirs}.attentions.{block}")
            number += 1
        if level != last:
            yield f"input_blocks.{number}.0.op", f"down_blocks.{level}.downsamplers.0.conv"
            number += 1


def _unet_up(architecture: UNetArchitecture) -> Pairs:
    number, depths = 0, list(architecture.transformer_depth_output)
    levels = len(architecture.num_res_blocks)
    for level in reversed(range(levels)):
        theirs = f"up_blocks.{levels - 1 - level}"
        blocks = architecture.num_res_blocks[level] + 1
        for block in range(blocks):
            ours = f"output_blocks.{number}"
            yield from _unet_block(f"{ours}.0", f"{theirs}.resnets.{block}")
            depth = depths.pop()
            if depth:
                yield from _unet_transformer(f"{ours}.1", f"{theirs}.attentions.{block}")
            if level and block == blocks - 1:
                yield f"{ours}.{2 if depth else 1}.conv", f"{theirs}.upsamplers.0.conv"
            number += 1


def _unet_block(sgm: str, diffusers: str) -> Pairs:
    for ours, theirs in UNET_RES_BLOCK.items():
        yield f"{sgm}.{ours}", f"{diffusers}.spatial_res_block.{theirs}"
        yield f"{sgm}.time_stack.{ours}", f"{diffusers}.temporal_res_block.{theirs}"
    yield f"{sgm}.time_mixer", f"{diffusers}.time_mixer"


def _unet_transformer(sgm: str, diffusers: str) -> Pairs:
    for name in ("norm", "proj_in", "proj_out", "transformer_blocks", "time_mixer"):
        yield f"{sgm}.{name}", f"{diffusers}.{name}"
    yield f"{sgm}.time_stack", f"{diffusers}.temporal_transformer_blocks"
    yield f"{sgm}.time_pos_embed.0", f"{diffusers}.time_pos_embed.linear_1"
    yield f"{sgm}.time_pos_embed.2", f"{diffusers}.time_pos_embed.linear_2"


def vae_pairs(architecture: VAEArchitecture) -> Pairs:
    """Every module of the autoencoder under both names, but diffusers' `quant_conv`."""
    levels = len(architecture.channel_mult)
    for side in ("encoder", "decoder"):
        yield f"{side}.conv_in", f"{side}.conv_in"
        yield f"{side}.norm_out", f"{side}.conv_norm_out"
        yield f"{side}.mid.attn_1", f"{side}.mid_block.attentions.0"
    yield "encoder.conv_out", "encoder.conv_out"
    yield "decoder.conv_out.time_mix_conv", "decoder.time_conv_out"
    yield "decoder.conv_out", "decoder.conv_out"
    for block in range(2):
        sgm, diffusers = f"mid.block_{block + 1}", f"mid_block.resnets.{block}"
        yield from _vae_block(f"encoder.{sgm}", f"encoder.{diffusers}")
        yield from _vae_video_block(f"decoder.{sgm}", f"decoder.{diffusers}")
    for level in range(levels):
        down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{levels - 1 - level}"
        yield f"encoder.down.{level}.downsample.conv", f"{down}.downsamplers.0.conv"
        yield f"decoder.up.{level}.upsample.conv", f"{up}.upsamplers.0.conv"
        for block in range(architecture.num_res_blocks):
            yield from _vae_block(f"encoder.down.{level}.block.{block}", f"{down}.resnets.{block}")
        for block in range(architecture.num_res_blocks + 1):
            yield from _vae_video_block(
                f"decoder.up.{level}.block.{block}", f"{up}.resnets.{block}"
            )


def _vae_block(sgm: str, diffusers: str) -> Pairs:
    for ours, theirs in VAE_RES_BLOCK.items():
        yield f"{sgm}.{ours}", f"{diffusers}.{theirs}"


def _vae_video_block(sgm: str, diffusers: str) -> Pairs:
    yield from _vae_block(sgm, f"{diffusers}.spatial_res_block")
    for ours, theirs in UNET_RES_BLOCK.items():
        yield f"{sgm}.time_stack.{ours}", f"{diffusers}.temporal_res_block.{theirs}"
    yield f"{sgm}.mix_factor", f"{diffusers}.time_mixer.mix_factor"


def rename(tensors: Mapping[str, Tensor], pairs: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
    """Replace the longest known prefix of every name; `pairs` are (from, to).

    Raises KeyError for a name that no prefix covers.
    """
    names = dict(pairs)
    renamed = {}
    for key, tensor in tensors.items():
        parts = key.split(".")
        for cut in range(len(parts), 0, -1):
            known = names.get(".".join(parts[:cut]))
            if known is not None:
                renamed[".".join([known, *parts[cut:]])] = tensor
                break
        else:
            raise KeyError(key)
    return renamed


def swap(pairs: Pairs) -> Pairs:
    """(diffusers, sgm) from (sgm, diffusers)."""
    return ((theirs, ours) for ours, theirs in pairs)


def vae_from_diffusers(
    tensors: Mapping[str, Tensor], architecture: VAEArchitecture
) -> dict[str, Tensor]:
    """An AutoencoderKLTemporalDecoder's weights under sgm names.

    diffusers multiplies the moments by a 1x1 `quant_conv`, which checkpoints do not have: it is
    folded into the encoder's last kernel. Attention matrices become 1x1 kernels.
    """
    inner = {k: v for k, v in tensors.items() if not k.startswith("quant_conv.")}
    renamed = rename(inner, swap(_with_attention(vae_pairs(architecture))))
    for key, tensor in renamed.items():
        if ".attn_1." in key and tensor.ndim == 2:
            renamed[key] = tensor[:, :, None, None]
    if "quant_conv.weight" in tensors:
        mix, shift = tensors["quant_conv.weight"][:, :, 0, 0].float(), tensors["quant_conv.bias"]
        weight, bias = renamed["encoder.conv_out.weight"], renamed["encoder.conv_out.bias"]
        renamed["encoder.conv_out.weight"] = torch.einsum("oi,ichw->ochw", mix, weight.float())
        renamed["encoder.conv_out.bias"] = mix @ bias.float() + shift.float()
    return renamed


def vae_to_diffusers(
    tensors: Mapping[str, Tensor], architecture: VAEArchitecture
) -> dict[str, Tensor]:
    """The inverse of `vae_from_diffusers`, with an identity `quant_conv`."""
    renamed = rename(tensors, _with_attention(vae_pairs(architecture)))
    for key, tensor in renamed.items():
        if ".attentions.0." in key and tensor.ndim == 4:
            renamed[key] = tensor[:, :, 0, 0]
    bias = renamed["encoder.conv_out.bias"]
    renamed["quant_conv.weight"] = torch.eye(len(bias)).to(bias)[:, :, None, None]
    renamed["quant_conv.bias"] = torch.zeros_like(bias)
    return renamed


def _with_attention(pairs: Pairs) -> Pairs:
    for ours, theirs in pairs:
        yield ours, theirs
        if ours.endswith("attn_1"):
            for name, diffusers_name in VAE_ATTENTION.items():
                yield f"{ours}.{name}", f"{theirs}.{diffusers_name}"
