"""What must not change what is learned: a killed run, and layers that are computed twice."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from bench_report import Row
from lora_films import rolling_film, write_film
from safetensors.torch import load_file
from svd_studio.models.loader import LoadedSVD, load_svd
from svd_studio.models.patches import lora_training
from svd_studio.models.patches.lora import unet_shapes
from svd_studio.models.sources import MINI, open_svd
from svd_studio.training.clips.clip_set import CachedClip, ClipEntry, ClipSet
from svd_studio.training.lora.conditioning import unet_denoiser
from svd_studio.training.lora.layers import Branch, Depth, adapted_modules
from svd_studio.training.lora.recipe import LoraRecipe
from svd_studio.training.lora.stage import LoraStage
from torch import Tensor

COMMAND = Path(__file__).with_name("train_lora.py")
STEPS, SAVE_EVERY = 12, 3
CLIPS = ClipSet(Path(), (ClipEntry("noise", "noise", 14, 256, 144, 7, 127),))
CONFIG = f"""
[clips]
folder = "films"
frames = 4
width = 128
height = 64
[train]
steps = {STEPS}
save_every = {SAVE_EVERY}
validate_every = 5
rank = 4
learning_rate = 0.01
precision = "fp32"
[output]
precision = "fp32"
folder = """


def resume_rows() -> Iterator[Row]:
    """`kill -9` after a save and a step or more, then the same command again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(2):
            write_film(rolling_film(number), folder / "films" / f"{number}.mkv")
        whole, killed = (configured(folder, run) for run in ("whole", "killed"))
        to_the_end(whole)
        kill_when_saved(killed, folder / "killed" / "log.jsonl")
        to_the_end(killed)
        results = [exported(folder / run) for run in ("whole", "killed")]
    yield Row("killed and gone on with: largest difference", "", None, difference(*results), 1e-6)


def configured(folder: Path, run: str) -> list[str]:
    file = folder / f"{run}.toml"
    file.write_text(CONFIG + json.dumps(run))
    return [sys.executable, str(COMMAND), str(file)]


def to_the_end(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when_saved(command: list[str], log: Path) -> None:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        while process.poll() is None and not log.exists():
            time.sleep(0.02)
        time.sleep(0.3)  # into a step that is not saved
        process.kill()
    done = json.loads(log.read_text().splitlines()[-1])["step"]
    if done == STEPS:
        raise RuntimeError("the run was over before it could be killed")


def exported(folder: Path) -> dict[str, Tensor]:
    return load_file(next((folder / "export").glob("*.safetensors")))


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    if one.keys() != other.keys():
        return float("inf")
    return max(float((one[key] - other[key]).abs().max()) for key in one)


# ---- layers computed twice ---------------------------------------------------------------------


def checkpoint_rows() -> Iterator[Row]:
    """svd-mini, fp32, every layer."""
    with torch.inference_mode():
        svd = load_svd(open_svd(MINI), "fp32")
    kept, again = (gradients(svd, checkpointing) for checkpointing in (False, True))
    error = max(
        float((a - b).abs().max() / a.abs().max().clamp(min=1e-12))
        for a, b in zip(kept, again, strict=True)
    )
    yield Row("gradient checkpointing: relative difference", "", None, error, 1e-5)


def gradients(svd: LoadedSVD, checkpointing: bool) -> list[Tensor]:
    """Of one clip of noise, with second factors that are not zero."""
    recipe = replace(
        LoraRecipe(branch=Branch.BOTH, depth=Depth.EVERYTHING, rank=4, ema_decay=0.0),
        checkpointing=checkpointing,
    )
    model = svd.model.clone()
    modules = adapted_modules(unet_shapes(model), recipe.branch, recipe.depth)
    adapters = lora_training.add_adapters(model, modules, recipe.rank, recipe.alpha, 0)
    generator = torch.Generator().manual_seed(1)
    for layer in adapters.layers:
        up = layer.lora_up.weight.data
        up.copy_(torch.randn(up.shape, generator=generator) * 0.02)
    if checkpointing:
        lora_training.checkpoint_layers(model)
    with lora_training.loaded_for_training(model, adapters, torch.float32, 0) as unet:
        network = unet_denoiser(unet, torch.float32, lora_training.training_options())
        optimizer = torch.optim.AdamW(adapters.trained())
        clip = noise_clip(generator)
        stage = LoraStage(network, adapters, CLIPS, lambda _: clip, recipe, optimizer)
        stage._backward(0, 0)
    return [parameter.grad for parameter in adapters.trained()]


def noise_clip(generator: torch.Generator) -> CachedClip:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    return CachedClip(draw(14, 4, 18, 32), draw(1, 4, 18, 32), torch.zeros(1), draw(1, 192))
