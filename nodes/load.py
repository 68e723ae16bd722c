"""Choosing and loading the model."""

from __future__ import annotations

from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ..models.loader import PRECISIONS, load_svd
from ..models.sources import MINI, open_svd
from ..models.svd import VARIANTS
from ..models.weight_files import WeightFileError
from .schema import advanced, schema

MINI_NAME = "svd-mini"
INSIDE = "inside the checkpoint"
FOLDERS = ("diffusion_models", "diffusers")  # listed beside the checkpoints, under their names


class LoadSVDModel(io.ComfyNode):
    """Recognises SVD by its weights, whatever the file is called."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioLoadModel",
            display_name="Load SVD Model",
            description="Load Stable Video Diffusion: a checkpoint (svd, svd_xt, svd_xt_1_1, image "
            "decoder), split files, or a diffusers folder. svd-mini is built in: a miniature for "
            "trying graphs, not for pictures to keep.",
            search_aliases=[
                "stable video diffusion",
                "image to video",
                "ImageOnlyCheckpointLoader",
            ],
            inputs=[
                io.Combo.Input(
                    "checkpoint",
                    options=list_models(),
                    tooltip="A checkpoint, a file of diffusion_models/, or a folder of diffusers/. "
                    "svd-mini is a built-in miniature for trying graphs, not for pictures to keep.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default="auto",
                    tooltip="How the UNet computes. auto: what ComfyUI chooses for this machine. "
                    "fp16 halves memory; fp32 is for comparing.",
                ),
                advanced(
                    io.Combo.Input(
                        "variant",
                        options=["auto", *VARIANTS],
                        default="auto",
                        tooltip="svd (14 frames) and svd_xt (25) cannot be told apart by their "
                        "weights; auto goes by metadata or the file's name. It sets the defaults "
                        "for frames and guidance. animatelcm_svd, svd_tdd: weights for few steps, "
                        "whatever the file is called.",
                    )
                ),
                advanced(
                    io.Combo.Input(
                        "vae",
                        options=[INSIDE, *folder_paths.get_filename_list("vae")],
                        default=INSIDE,
                        tooltip="For a UNet that comes alone, or to swap the temporal decoder.",
                    )
                ),
                advanced(
                    io.Combo.Input(
                        "image_encoder",
                        options=[INSIDE, *folder_paths.get_filename_list("clip_vision")],
                        default=INSIDE,
                        tooltip="For a UNet that comes alone: SVD's CLIP ViT-H image encoder.",
                    )
                ),
            ],
            outputs=[
                io.Model.Output(),
                io.ClipVision.Output(),
                io.Vae.Output(),
                io.String.Output(display_name="info", tooltip="What was recognised, and how."),
            ],
        )

    @classmethod
    def execute(cls, checkpoint, precision, variant, vae, image_encoder) -> io.NodeOutput:
        source = open_svd(
            find_model(checkpoint),
            find_part("vae", vae),
            find_part("clip_vision", image_encoder),
            variant,
        )
        return io.NodeOutput(*load_svd(source, precision), source.info.describe())


def list_models() -> list[str]:
    """Checkpoints first, then split UNets and diffusers folders, the miniature last."""
    names = list(folder_paths.get_filename_list("checkpoints"))
    names += [f"diffusion_models/{n}" for n in folder_paths.get_filename_list("diffusion_models")]
    names += [f"diffusers/{folder.name}" for folder in _diffusers_folders()]
    return [*names, MINI_NAME]


def find_model(name: str) -> Path:
    """The file or folder behind an entry of `list_models`."""
    if name == MINI_NAME:
        return MINI
    kind, _, rest = name.partition("/")
    if kind == "diffusers":
        for folder in _diffusers_folders():
            if folder.name == rest:
                return folder
        raise WeightFileError(f"Folder diffusers/{rest} is not there any more: reload the page.")
    if kind in FOLDERS:
        return Path(folder_paths.get_full_path_or_raise(kind, rest))
    return Path(folder_paths.get_full_path_or_raise("checkpoints", name))


def find_part(folder: str, name: str) -> Path | None:
    return None if name == INSIDE else Path(folder_paths.get_full_path_or_raise(folder, name))


def _diffusers_folders() -> list[Path]:
    """Folders that hold a UNet and a VAE of their own."""
    roots = [Path(root) for root in folder_paths.get_folder_paths("diffusers")]
    folders = [path for root in roots if root.is_dir() for path in sorted(root.iterdir())]
    return [path for path in folders if (path / "unet").is_dir()]


NODES = (LoadSVDModel,)
