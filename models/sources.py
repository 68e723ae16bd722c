"""Where the three networks of SVD lie: a checkpoint, split files, or a diffusers folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from .architecture import UNetArchitecture, VAEArchitecture
from .diffusers_keys import rename, swap, unet_pairs, vae_from_diffusers, vae_pairs
from .few_step import few_step_by_scheduler
from .svd import (
    CLIP_PREFIX,
    UNET_PREFIX,
    VAE_PREFIX,
    SVDInfo,
    identify,
    unet_architecture,
    vae_architecture,
)
from .weight_files import Shapes, WeightFileError, WeightFiles, open_component, open_weights

MINI = Path(__file__).parent / "weights" / "svd_mini.safetensors"
# Roles are named as diffusers names its folders.
PREFIXES = {"unet": UNET_PREFIX, "vae": VAE_PREFIX, "image_encoder": CLIP_PREFIX}
DIFFUSERS_MARK = {
    "unet": ".spatial_res_block.",
    "vae": "decoder.up_blocks.",
    "image_encoder": "vision_model.",
}


@dataclass(frozen=True)
class Part:
    """One network's weights under checkpoint names, read when asked for."""

    weights: WeightFiles
    prefix: str = ""
    from_diffusers: bool = False

    @property
    def shapes(self) -> Shapes:
        return self.weights.shapes_under(self.prefix)

    def read(self) -> dict[str, Tensor]:
        return self.weights.read(self.prefix)


@dataclass(frozen=True)
class SVDSource:
    """Everything that is needed to build SVD, found and recognised but not yet read."""

    info: SVDInfo
    unet: Part
    unet_architecture: UNetArchitecture
    vae: Part
    vae_architecture: VAEArchitecture | None
    image_encoder: Part

    def read_unet(self) -> dict[str, Tensor]:
        tensors = self.unet.read()
        if not self.unet.from_diffusers:
            return tensors
        return rename(tensors, swap(unet_pairs(self.unet_architecture)))

    def read_vae(self) -> dict[str, Tensor]:
        tensors = self.vae.read()
        if not self.vae.from_diffusers or self.vae_architecture is None:
            return tensors
        return vae_from_diffusers(tensors, self.vae_architecture)


def open_svd(
    path: Path, vae: Path | None = None, image_encoder: Path | None = None, variant: str = "auto"
) -> SVDSource:
    """Recognise the model at `path`: a checkpoint, a UNet on its own, or a diffusers folder.

    `vae` and `image_encoder` are files that replace or supply these parts. Raises
    `WeightFileError` for anything that is not a complete SVD.
    """
    parts = _diffusers_parts(path) if path.is_dir() else _checkpoint_parts(open_weights(path))
    if vae is not None:
        parts["vae"] = _part_of(open_weights(vae), "vae")
    if image_encoder is not None:
        parts["image_encoder"] = _part_of(open_weights(image_encoder), "image_encoder")
    try:
        return _recognise(path, parts, variant)
    except KeyError as key:
        raise WeightFileError(
            f"{path.name} is not a whole Stable Video Diffusion model (stumbled over {key}): "
            "download or copy it again."
        ) from key


def _recognise(path: Path, parts: dict[str, Part], variant: str) -> SVDSource:
    unet = parts["unet"]
    shapes = _sgm_unet_shapes(unet, path.name)
    architecture = unet_architecture(shapes, unet.weights.metadata, path.name)
    for role, name in (("vae", "VAE"), ("image_encoder", "image encoder")):
        if role not in parts:
            raise WeightFileError(
                f"{path.name} has no {name}: choose a file for the {name} input, or a checkpoint "
                "that contains all three parts of SVD."
            )
    vae = parts["vae"]
    return SVDSource(
        _info(path, unet, variant),
        unet,
        architecture,
        vae,
        vae_architecture(_sgm_vae_shapes(vae), vae.weights.metadata),
        parts["image_encoder"],
    )


def _info(path: Path, unet: Part, variant: str) -> SVDInfo:
    info = identify(path.name, unet.weights.metadata, variant)
    if variant != "auto":
        return info
    frames = _config(path / "unet" / "config.json").get("num_frames")
    if frames:
        guess = "svd" if frames == 14 else "svd_xt"
        few_step = info.few_step
        info = SVDInfo(path.name, guess, "from its configuration", frames, few_step=few_step)
    scheduler = few_step_by_scheduler(_config(path / "scheduler" / "scheduler_config.json"))
    return replace(info, few_step=scheduler) if scheduler else info


def _config(file: Path) -> dict:
    """A file of a diffusers folder; empty when it is not there."""
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise WeightFileError(
            f"{file.parent.parent.name}/{file.parent.name}/{file.name} is damaged ({error}): "
            "download or copy it again."
        ) from error


def _checkpoint_parts(weights: WeightFiles) -> dict[str, Part]:
    """Every part that has its prefix in the file; a UNet in any case, on its own without one."""
    roles = [role for role in PREFIXES if any(k.startswith(PREFIXES[role]) for k in weights.shapes)]
    return {role: _part_of(weights, role) for role in {*roles, "unet"}}


def _part_of(weights: WeightFiles, role: str) -> Part:
    """The part `role` of a checkpoint, or of a file that holds nothing else."""
    if any(key.startswith(PREFIXES[role]) for key in weights.shapes):
        return Part(weights, PREFIXES[role])
    return Part(weights, from_diffusers=any(DIFFUSERS_MARK[role] in key for key in weights.shapes))


def _diffusers_parts(folder: Path) -> dict[str, Part]:
    missing = [name for name in PREFIXES if not (folder / name).is_dir()]
    if missing:
        raise WeightFileError(
            f"{folder.name} is not a complete diffusers folder of SVD (missing: "
            f"{', '.join(missing)}): download the whole model."
        )
    return {name: Part(open_component(folder / name), from_diffusers=True) for name in PREFIXES}


def _sgm_unet_shapes(part: Part, name: str) -> Shapes:
    """Shapes under checkpoint names. diffusers' names are mapped once their plan is known."""
    if not part.from_diffusers:
        return part.shapes
    if not any(".temporal_res_block." in key for key in part.shapes):
        raise WeightFileError(
            f"{name} is an image model (no temporal layers in its unet), not Stable Video "
            "Diffusion: choose a folder of stable-video-diffusion."
        )
    return rename(part.shapes, swap(unet_pairs(_diffusers_plan(part.shapes))))


def _diffusers_plan(shapes: Shapes) -> UNetArchitecture:
    """How many blocks and transformers each level has: all that naming depends on."""

    def children(prefix: str) -> int:
        start = f"{prefix}."
        return len({k[len(start) :].split(".", 1)[0] for k in shapes if k.startswith(start)})

    def depths(side: str, level: int, blocks: int) -> list[int]:
        stem = f"{side}_blocks.{level}.attentions"
        return [children(f"{stem}.{b}.transformer_blocks") for b in range(blocks)]

    levels = children("down_blocks")
    blocks = [children(f"down_blocks.{level}.resnets") for level in range(levels)]
    down = [d for level in range(levels) for d in depths("down", level, blocks[level])]
    up = [d for level in range(levels) for d in depths("up", level, blocks[levels - 1 - level] + 1)]
    return UNetArchitecture(
        num_res_blocks=tuple(blocks),
        transformer_depth=tuple(down),
        transformer_depth_output=tuple(reversed(up)),
    )


def _sgm_vae_shapes(part: Part) -> Shapes:
    if not part.from_diffusers:
        return part.shapes
    if "decoder.time_conv_out.weight" not in part.shapes:
        return {}
    blocks = {
        k.split(".")[4] for k in part.shapes if k.startswith("encoder.down_blocks.0.resnets.")
    }
    levels = {k.split(".")[2] for k in part.shapes if k.startswith("encoder.down_blocks.")}
    plan = VAEArchitecture(channel_mult=(1,) * len(levels), num_res_blocks=len(blocks))
    inner: Mapping = {k: s for k, s in part.shapes.items() if not k.startswith("quant_conv.")}
    return rename(inner, swap(vae_pairs(plan)))
