"""Recognise Stable Video Diffusion from the names and shapes of its weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..sampling.few_step import FewStepWeights
from .architecture import ImageEncoderArchitecture, UNetArchitecture, VAEArchitecture
from .few_step import CHOICES, few_step_by_file
from .weight_files import Shapes, WeightFileError

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
CLIP_PREFIX = "conditioner.embedders.0.open_clip.model.visual."
NATIVE_FRAMES = {"svd": 14, "svd_xt": 25, "svd_xt_1_1": 25}
VARIANTS = (*NATIVE_FRAMES, *CHOICES)
VECTOR_SIZE = 768  # frame rate, motion bucket and augmentation level, 256 numbers each


@dataclass(frozen=True)
class SVDInfo:
    """What travels with the model, so that nodes downstream can fill their defaults.

    `source` tells how the variant is known: svd and svd_xt have the same names and shapes.
    `few_step` is None unless the weights were distilled for few steps.
    """

    name: str
    variant: str
    source: str
    num_frames: int
    width: int = 1024
    height: int = 576
    few_step: FewStepWeights | None = None

    def describe(self) -> str:
        size = f"{self.num_frames} frames of {self.width}x{self.height}"
        few = f"\n{self.few_step.describe()}" if self.few_step else ""
        return f"{self.name}: {self.variant} ({self.source}), native {size}{few}"


def identify(name: str, metadata: Mapping[str, str], variant: str = "auto") -> SVDInfo:
    """The variant: as the user says, as the file's metadata says, or as its name suggests."""
    facts = json.loads(metadata.get("svd_studio", "{}"))
    if variant != "auto":
        return _chosen(name, variant)
    few_step = few_step_by_file(name, metadata)
    if facts:
        native = {key: facts[key] for key in ("num_frames", "width", "height")}
        source = "from its metadata"
        return SVDInfo(name, facts["variant"], source, **native, few_step=few_step)
    words = re.sub(r"[^a-z0-9]+", "_", name.lower())
    hints = {"xt_1_1": "svd_xt_1_1", "_xt": "svd_xt"}
    plain = "svd_xt" if few_step else "svd"  # nobody has distilled the model of 14 frames
    guess = next((variant for hint, variant in hints.items() if hint in words), plain)
    frames = NATIVE_FRAMES[guess]
    return SVDInfo(name, guess, "guessed from its name", frames, few_step=few_step)


def _chosen(name: str, variant: str) -> SVDInfo:
    """Exactly what the user says, whatever the name says."""
    few_step = CHOICES.get(variant)
    base = "svd_xt_1_1" if few_step else variant
    return SVDInfo(name, base, "chosen", NATIVE_FRAMES[base], few_step=few_step)


def unet_architecture(shapes: Shapes, metadata: Mapping[str, str], name: str) -> UNetArchitecture:
    """The architecture of a UNet in sgm names; raises `WeightFileError` when it is not SVD's."""
    _require_video_unet(shapes, name)
    facts = json.loads(metadata.get("svd_studio", "{}"))
    model_channels = shapes["input_blocks.0.0.weight"][0]
    levels: list[list[int]] = [[]]  # transformer depth of every block of every level
    widths: list[int] = []
    for number in range(1, _count(shapes, "input_blocks")):
        if f"input_blocks.{number}.0.op.weight" in shapes:
            levels.append([])
            continue
        widths.append(shapes[f"input_blocks.{number}.0.out_layers.3.weight"][0])
        levels[-1].append(_count(shapes, f"input_blocks.{number}.1.transformer_blocks"))
    firsts = [sum(len(level) for level in levels[:i]) for i in range(len(levels))]
    outputs = [
        _count(shapes, f"output_blocks.{number}.1.transformer_blocks")
        for number in range(_count(shapes, "output_blocks"))
    ]
    return UNetArchitecture(
        model_channels=model_channels,
        channel_mult=tuple(widths[first] // model_channels for first in firsts),
        num_res_blocks=tuple(len(level) for level in levels),
        transformer_depth=tuple(depth for level in levels for depth in level),
        transformer_depth_output=tuple(reversed(outputs)),
        context_dim=_context_dim(shapes),
        adm_in_channels=shapes["label_emb.0.0.weight"][1],
        num_head_channels=facts.get("num_head_channels", 64),
        norm_num_groups=facts.get("norm_num_groups", 32),
    )


def _require_video_unet(shapes: Shapes, name: str) -> None:
    first = shapes.get("input_blocks.0.0.weight")
    if first is None:
        raise WeightFileError(
            f"{name} holds no diffusion model that SVD Studio knows ({len(shapes)} UNet weights "
            "found): choose a Stable Video Diffusion checkpoint such as svd_xt.safetensors."
        )
    if not any(".time_stack." in key for key in shapes):
        dim = _context_dim(shapes)
        kind = {768: "SD 1.x", 1024: "SD 2.x", 2048: "SDXL"}.get(dim, "unknown")
        raise WeightFileError(
            f"{name} is an image model ({kind}: no temporal layers, text width {dim}), not Stable "
            "Video Diffusion: choose a checkpoint such as svd.safetensors or svd_xt.safetensors."
        )
    if first[1] != 8 or "label_emb.0.0.weight" not in shapes:
        raise WeightFileError(
            f"{name} is a video model of another kind ({first[1]} input channels, SVD has 8): "
            "choose a checkpoint such as svd.safetensors or svd_xt.safetensors."
        )
    told = shapes["label_emb.0.0.weight"][1]
    if told != VECTOR_SIZE:
        raise WeightFileError(
            f"{name} is a video model of another kind, such as SV3D (told {told} numbers, SVD "
            f"{VECTOR_SIZE}): choose a checkpoint such as svd.safetensors or svd_xt.safetensors."
        )


def vae_architecture(shapes: Shapes, metadata: Mapping[str, str]) -> VAEArchitecture | None:
    """The architecture of an autoencoder with SVD's temporal decoder; None for an image decoder."""
    if "decoder.mid.block_1.mix_factor" not in shapes:
        return None
    facts = json.loads(metadata.get("svd_studio", "{}"))
    channels = shapes["encoder.conv_in.weight"][0]
    levels = _count(shapes, "encoder.down")
    widths = [shapes[f"encoder.down.{i}.block.0.conv1.weight"][0] for i in range(levels)]
    return VAEArchitecture(
        channels=channels,
        channel_mult=tuple(width // channels for width in widths),
        num_res_blocks=_count(shapes, "encoder.down.0.block"),
        norm_num_groups=facts.get("norm_num_groups", 32),
    )


def image_encoder_architecture(shapes: Shapes) -> ImageEncoderArchitecture:
    """The architecture of a CLIP vision tower in transformers' names."""
    width, _, patch, _ = shapes["vision_model.embeddings.patch_embedding.weight"]
    positions = shapes["vision_model.embeddings.position_embedding.weight"][0]
    return ImageEncoderArchitecture(
        hidden_size=width,
        num_hidden_layers=_count(shapes, "vision_model.encoder.layers"),
        num_attention_heads=width // (80 if width == 1280 else 64),  # ViT-H alone has 80
        intermediate_size=shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0],
        patch_size=patch,
        image_size=round((positions - 1) ** 0.5) * patch,
        projection_dim=shapes["visual_projection.weight"][0],
    )


def _context_dim(shapes: Shapes) -> int:
    return next((s[1] for k, s in shapes.items() if k.endswith("attn2.to_k.weight")), 0)


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbered children `prefix` has."""
    start = f"{prefix}."
    return len({key[len(start) :].split(".", 1)[0] for key in shapes if key.startswith(start)})
