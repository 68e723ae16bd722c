"""What SVD Train LoRA shows: loss and time left as it trains, and pictures of how far it is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import Path

import comfy.model_management as management
import comfy.utils
import folder_paths
import numpy as np
import torch
from comfy.sd import VAE
from comfy_api.latest import io, ui
from PIL import Image

from ..training.lora.layers import Branch, Depth
from ..training.lora.recipe import LoraRecipe
from ..training.lora.run import SETTINGS, Progress
from ..training.resumable import STATE
from .report import show
from .run_decode import decode_film
from .run_train_lora import Draw, LoraJob, TrainedLora, Watch, train_lora
from .run_train_pictures import SAMPLES, progress_picture, save_sample
from .run_training_clips import FORBIDDEN

RUNS_FOLDER = Path("svd_studio", "lora_runs")
TEXT_EVERY, PICTURE_EVERY = 1.0, 5.0  # seconds
PREVIEW = 800  # pixels of the longer side


class WhenBegun(str, Enum):
    GO_ON = "go on"
    AGAIN = "start again"


def run_folder(name: str) -> Path:
    """Where the run of this name lives. Raises ValueError for what is no name of a folder."""
    name = name.strip()
    if not name or Path(name).name != name or name.startswith(".") or set(name) & FORBIDDEN:
        raise ValueError(
            f"{name or 'An empty name'} cannot be a folder's name: use letters, digits, - and _."
        )
    return Path(folder_paths.get_output_directory()) / RUNS_FOLDER / name


def recipe_of(widgets: Mapping[str, object]) -> LoraRecipe:
    """The widgets by the recipe's own names; an alpha of 0 is the rank."""
    chosen = {
        "alpha": float(widgets["alpha"] or widgets["rank"]),
        "branch": Branch(widgets["branch"]),
        "depth": Depth(widgets["depth"]),
    }
    return LoraRecipe(**{**widgets, **chosen})


def forget(folder: Path) -> None:
    """Take the run's state and its samples away; the LoRA in the folder stays until the next."""
    for name in (STATE, SETTINGS, "log.jsonl"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / SAMPLES, ignore_errors=True)


def train_on_node(
    job: LoraJob, when_begun: WhenBegun, vae: VAE | None, node: type[io.ComfyNode]
) -> io.NodeOutput:
    """The LoRA, a report, and the picture of the run, which the node shows."""
    if when_begun is WhenBegun.AGAIN:
        forget(job.folder)
    node_id = node.hidden.unique_id if node.hidden else None
    shown = Shown(job.folder, vae, node_id)
    trained = train_lora(job, shown.watch())
    report = describe(trained)
    show(report, node_id)
    drawn = progress_picture(trained.progress, job.folder)
    picture = torch.from_numpy(drawn)[None].float() / 255
    return io.NodeOutput(trained.lora, report, picture, ui=ui.PreviewImage(picture, cls=node))


def describe(trained: TrainedLora) -> str:
    """The report of a run that is done."""
    name = trained.file.stem
    return "\n".join([f"{name}: {trained.progress.describe()}", *trained.notes, f"{trained.file}"])


class Shown:
    """Progress on the node: words every second, a picture now and then."""

    def __init__(self, folder: Path, vae: VAE | None, node_id: str | None) -> None:
        self.folder, self.vae, self.node_id = folder, vae, node_id
        self._said = self._drawn = -PICTURE_EVERY

    def watch(self) -> Watch:
        return Watch(
            partial(show, node_id=self.node_id),
            self.on_progress,
            self.on_validation,
            management.throw_exception_if_processing_interrupted,
        )

    def on_progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._said >= TEXT_EVERY:
            self._said = now
            show(progress.describe(), self.node_id)
        preview = None
        if now - self._drawn >= PICTURE_EVERY:
            self._drawn = now
            picture = Image.fromarray(progress_picture(progress, self.folder))
            preview = ("JPEG", picture, PREVIEW)
        bar = comfy.utils.ProgressBar(progress.steps, self.node_id)
        bar.update_absolute(progress.step, preview=preview)

    def on_validation(self, progress: Progress, draw: Draw) -> None:
        self._drawn = -PICTURE_EVERY
        if self.vae is None:
            return
        show(f"drawing a sample of step {progress.step}", self.node_id)
        latents = draw()
        with torch.no_grad():  # not inference mode: it may move the network that is trained
            frames = decode_film(self.vae, latents)[0]
        pixels = (frames.clamp(0, 1) * 255).round().byte().cpu().numpy()
        save_sample(self.folder, progress.step, np.asarray(pixels))
