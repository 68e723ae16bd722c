"""A LoRA trained on a MODEL, in a folder of its own: begun, kept, and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import comfy.model_management as management
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..models.lora.weights import LoraModel, LoraWeights
from ..models.lora.write import Layout, write_lora
from ..models.patches import lora_training
from ..models.patches.device_memory import is_oom
from ..models.patches.lora import unet_shapes, unet_weights
from ..sampling.ladder import NotEnoughMemoryError
from ..sampling.memory import GIBI
from ..sampling.peak import PeakMemory
from ..training.clips.cache import load_clip
from ..training.clips.clip_set import ClipSet
from ..training.lora.about import base_fingerprint, metadata
from ..training.lora.conditioning import ClipConditioning, Denoiser, conditioning_of, unet_denoiser
from ..training.lora.layers import adapted_modules
from ..training.lora.need import TrainingNeed
from ..training.lora.recipe import LoraRecipe
from ..training.lora.run import Progress, claim, run_lora
from ..training.lora.samples import sample_clip
from ..training.lora.stage import DivergedError, LoraStage
from ..training.resumable import STATE, resume, save
from ..video.disk import clear_disk_errors
from . import run_train_checks as checks
from .lora_facts import TITLE
from .run_sampler import preset_of

SAMPLE_STEPS = 12
# After these the weights are those of the last whole step: it can be gone on from there.
STOPS = (management.InterruptProcessingException, DivergedError)

Draw = Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class LoraJob:
    """What to train. `start`, core's LORA_MODEL, is a LoRA to begin with instead of nothing."""

    model: ModelPatcher
    clips: ClipSet
    recipe: LoraRecipe
    folder: Path
    start: Mapping[str, Tensor] | None = None


@dataclass(frozen=True)
class Watch:
    """Who follows a run.

    `tell` hears a sentence before it begins, `on_progress` of every step. `on_validation`, before
    the first step too, also gets a function that draws a clip as the LoRA makes it now, latents
    (T, 4, h, w). `stop` is called again and again, and ends the run by raising one of STOPS.
    """

    tell: Callable[[str], None]
    on_progress: Callable[[Progress], None]
    on_validation: Callable[[Progress, Draw], None]
    stop: Callable[[], None]


@dataclass(frozen=True, eq=False)
class TrainedLora:
    """`file` is the same LoRA in the run's folder; `notes` are lines for a report."""

    lora: LoraModel
    progress: Progress
    file: Path
    notes: tuple[str, ...]


def train_lora(job: LoraJob, watch: Watch) -> TrainedLora:
    """Train to the recipe's last step, going on from what the folder holds.

    A finished run is returned at once. Raises ValueError for a MODEL or clips that cannot be
    trained on, the folder of another run, and a loss that is no number; NotEnoughMemoryError;
    DiskFullError. Whatever ends it, the folder keeps what was trained.
    """
    with torch.inference_mode(False):  # what ComfyUI's nodes make has no gradients
        run = _Run(job)
        claim(job.folder, run.recipe, run.identity, checks.fingerprint_of_clips(job.clips))
        return run.finished() or run.trained(watch)


class _Run:
    """One call of `train_lora`."""

    def __init__(self, job: LoraJob) -> None:
        checks.require_trainable(job.model, job.clips)
        self.job, self.clips, self.folder = job, job.clips, job.folder
        self.recipe = checks.resolved(job.recipe, job.model.load_device)
        self.shapes = unet_shapes(job.model)
        self.modules = adapted_modules(self.shapes, self.recipe.branch, self.recipe.depth)
        self.start = checks.start_of(job.start, job.model, self.modules)
        self.base = base_fingerprint(unet_weights(job.model))
        self.file = job.folder / f"{job.folder.name}.safetensors"

    @property
    def identity(self) -> str:
        """What training begins with."""
        if self.start is None:
            return self.base
        return f"{self.base} with LoRA {checks.fingerprint_of_lora(self.start)}"

    def finished(self) -> TrainedLora | None:
        """What the folder holds if no step is missing; the network is not needed for that."""
        if not (self.folder / STATE).exists():
            return None
        _, adapters = self._adapted()
        optimizer = torch.optim.AdamW(adapters.trained())
        never_run = unet_denoiser(self.job.model.model.diffusion_model, torch.float32, {})
        stage = self._stage(never_run, adapters, optimizer)
        step = resume(stage, self.folder)
        if step < self.recipe.steps:
            return None
        losses, validations = tuple(stage.losses), tuple(stage.validations)
        progress = Progress(step, self.recipe.steps, losses, validations, 0.0)
        return self._result(stage, progress, "was finished before: nothing was trained now")

    def trained(self, watch: Watch) -> TrainedLora:
        recipe, device = self.recipe, self.job.model.load_device
        model, adapters = self._adapted()
        optimizer = checks.new_optimizer(recipe, adapters.trained(), device)
        need = checks.need_of(model, self.clips, recipe, self.modules)
        told = checks.require_room(need, model)
        watch.tell(told)
        dtype, room = checks.PRECISIONS[recipe.precision], need.beside_weights
        with (
            PeakMemory(device) as memory,
            _clear_memory_errors(need, device),
            lora_training.loaded_for_training(model, adapters, dtype, room) as unet,
        ):
            network = unet_denoiser(unet, dtype, lora_training.training_options())
            stage = self._stage(_stopping(network, watch.stop), adapters, optimizer)
            back = partial(_back_on_device, model, adapters, room)
            progress = self._steps(stage, watch, back)
        peak = f"measured peak {memory.peak / GIBI:.2f} GiB above what there was before"
        return self._result(stage, progress, told, peak)

    # ---- parts of it ---------------------------------------------------------------------------

    def _adapted(self) -> tuple[ModelPatcher, lora_training.Adapters]:
        """A clone of the MODEL with adapters that are as they are before the first step."""
        model, recipe = self.job.model.clone(), self.recipe
        adapters = lora_training.add_adapters(
            model, self.modules, recipe.rank, recipe.alpha, recipe.seed
        )
        if self.start is not None:
            adapters.load(self.start.modules)
        if recipe.checkpointing:
            lora_training.checkpoint_layers(model)
        return model, adapters

    def _stage(
        self,
        denoiser: Denoiser,
        adapters: lora_training.Adapters,
        optimizer: torch.optim.Optimizer,
    ) -> LoraStage:
        load = partial(load_clip, self.clips.folder)
        return LoraStage(denoiser, adapters, self.clips, load, self.recipe, optimizer)

    def _steps(self, stage: LoraStage, watch: Watch, back: Callable[[], None]) -> Progress:
        """All that are missing, with a LoRA that can be used at every validation and stop."""

        def on_validation(progress: Progress) -> None:
            self._write(stage)
            watch.on_validation(progress, partial(self._draw, stage))
            back()  # a VAE may have pushed the network off the device

        try:
            if not (self.folder / STATE).exists():
                begun = Progress(0, self.recipe.steps, (), (), 0.0)
                watch.on_validation(begun, partial(self._draw, stage))
                back()
            return run_lora(stage, self.folder, watch.on_progress, on_validation)
        except STOPS:
            if stage.losses:
                save(stage, self.folder, len(stage.losses))
                self._write(stage)
            raise

    def _draw(self, stage: LoraStage) -> Tensor:
        """A clip from the first picture that was held out, or else from the first of all."""
        entry = (*self.clips.held_out, *self.clips.training)[0]
        clip = stage.load(entry)
        cond = conditioning_of([(entry, clip)], [0]).to(stage.device)
        guidance = preset_of(self.job.model)
        shape, seed = tuple(clip.latents.shape), self.recipe.seed
        with stage.averaged():
            return sample_clip(stage.denoiser, cond, shape, SAMPLE_STEPS, guidance, seed).cpu()

    def _weights(self, stage: LoraStage) -> LoraWeights:
        with stage.averaged():
            modules = {
                name: {role: tensor.cpu() for role, tensor in adapter.items()}
                for name, adapter in stage.adapters.by_module().items()
            }
        told = metadata(self.recipe, self.base, self.clips, len(stage.losses), stage.validations)
        return LoraWeights(self.folder.name, modules, {TITLE: self.folder.name, **told})

    def _write(self, stage: LoraStage) -> None:
        with clear_disk_errors(self.file, "the LoRA"):
            write_lora(self.file, self._weights(stage), Layout.SGM, self.shapes)

    def _result(self, stage: LoraStage, progress: Progress, *notes: str) -> TrainedLora:
        self._write(stage)
        weights = self._weights(stage)
        lora = LoraModel(weights.tensors(), weights.metadata)
        lines = [f"rank {self.recipe.rank} on {len(self.modules)} layers, {self.recipe.precision}"]
        if self.start is not None:
            lines.append(f"begun with {self.start.name}, {len(self.start.modules)} layers of it")
        return TrainedLora(lora, progress, self.file, (*lines, *notes))


def _stopping(network: Denoiser, stop: Callable[[], None]) -> Denoiser:
    def denoiser(x: Tensor, sigma: Tensor, cond: ClipConditioning) -> Tensor:
        stop()
        return network(x, sigma, cond)

    return denoiser


def _back_on_device(model: ModelPatcher, adapters: lora_training.Adapters, room: int) -> None:
    management.load_models_gpu([model], memory_required=room)
    adapters.to(model.load_device)


@contextmanager
def _clear_memory_errors(need: TrainingNeed, device: torch.device) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not is_oom(error):
            raise
        room = management.get_total_memory(device)
        raise NotEnoughMemoryError(f"Memory ran out. {checks.too_little(need, room)}") from error
