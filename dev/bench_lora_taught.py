"""What a LoRA teaches svd-mini, seen in films from photographs that nothing was trained on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import comfy.utils
import cv2
import numpy as np
import torch
from bench_report import Row
from lora_films import duotone, off_colour, pan_left
from measure_mini import generate
from svd_studio.models.loader import LoadedSVD, load_svd
from svd_studio.models.lora.lora_file import LoraFile
from svd_studio.models.lora.match import match_lora
from svd_studio.models.lora.weights import LoraWeights
from svd_studio.models.patches.lora import LoraStrength, apply_lora, unet_shapes
from svd_studio.models.sources import MINI, open_svd
from svd_studio.nodes.run_train_lora import LoraJob, TrainedLora, Watch, train_lora
from svd_studio.nodes.run_training_clips import encoders_of, settings_of
from svd_studio.training.clips.clip_set import ClipSet
from svd_studio.training.clips.films import films_at
from svd_studio.training.clips.plan import plan_clips
from svd_studio.training.clips.prepare import prepare_clips
from svd_studio.training.lora.layers import Branch, Depth
from svd_studio.training.lora.recipe import LoraRecipe
from svd_studio.training.lora.run import Progress
from svd_studio.training.pictures import Picture, PictureSet
from svd_studio.video.camera_motion import estimate_homographies, overall_motion
from train_mini import pictures

BUCKET = 140
HELD_OUT = 12  # photographs, and template pictures after them
STILL = 0.004  # frame widths over a whole film: what moves less goes nowhere
SECONDS = "seconds.json"

# One recipe for a habit of the camera, one for looks.
PAN = LoraRecipe(
    steps=400,
    rank=32,
    alpha=32.0,
    depth=Depth.EVERYTHING,
    learning_rate=3e-3,
    batch_size=4,
    sigma_log_mean=1.5,
    sigma_log_std=1.4,
    high_noise_share=0.5,
    checkpointing=False,
)
LOOK = replace(
    PAN,
    steps=400,
    branch=Branch.SPATIAL,
    rank=16,
    alpha=16.0,
    batch_size=2,
    sigma_log_mean=0.7,
    sigma_log_std=1.6,
    high_noise_share=0.3,
)


@dataclass(frozen=True)
class Lessons:
    """A folder for films, clips and runs, which a later bench goes on with; wheels in `state`."""

    folder: Path
    state: Path

    @cached_property
    def svd(self) -> LoadedSVD:
        comfy.utils.set_progress_bar_enabled(False)
        with torch.inference_mode():
            return load_svd(open_svd(MINI), "fp32")

    @cached_property
    def pictures(self) -> PictureSet:
        return pictures(self.state)

    @property
    def held_out(self) -> Sequence[Picture]:
        return (*self.pictures.photographs, *self.pictures.templates)[:HELD_OUT]

    def clips(self, name: str, draw: Callable[[Path], None]) -> ClipSet:
        """The films that `draw` makes, through the same doors as a user's."""
        films = self.folder / name / "films"
        if not films.exists():
            draw(films)
        settings = settings_of(self.svd.vae, (0, 0, 0, 0), 0, False, 0.1, 0)
        with torch.inference_mode():
            plan = plan_clips(films_at(films, 7), settings)
            encoders = encoders_of(self.svd.vae, self.svd.image_encoder)
            return prepare_clips(plan, encoders, self.folder / name / "clips", lambda *_: None)

    def train(self, name: str, clips: ClipSet, recipe: LoraRecipe) -> tuple[TrainedLora, float]:
        """The LoRA, and the minutes that its training took, over all starts."""
        folder = self.folder / name / "run"
        file = self.folder / name / SECONDS
        spent = json.loads(file.read_text()) if file.exists() else 0.0
        began = time.monotonic()

        def note(progress: Progress) -> None:
            if progress.step % 25 == 0 or progress.step == progress.steps:
                file.write_text(json.dumps(spent + time.monotonic() - began))
                print(f"  {name}: {progress.describe()}", flush=True)

        watch = Watch(lambda _: None, note, lambda *_: None, lambda: None)
        trained = train_lora(LoraJob(self.svd.model, clips, recipe, folder), watch)
        return trained, json.loads(file.read_text()) / 60

    def films(
        self, weights: LoraWeights, strength: float, count: int = HELD_OUT
    ) -> list[np.ndarray]:
        """One film a held-out picture, unguided: uint8 (T, H, W, 3)."""
        model = apply_lora(self.svd.model, weights, LoraStrength(strength, strength))
        svd = self.svd._replace(model=model)
        with torch.inference_mode():
            return [generate(svd, p, BUCKET, seed) for seed, p in enumerate(self.held_out[:count])]

    def weights(self, name: str, trained: TrainedLora) -> LoraWeights:
        file = LoraFile(name, trained.lora, trained.lora.metadata)
        return match_lora(file, unet_shapes(self.svd.model)).weights


def taught_rows(lessons: Lessons) -> Iterator[Row]:
    base = lessons.films(LoraWeights("none", {}), 0.0)
    yield from pan_rows(lessons, base)
    yield from look_rows(lessons, base)


# ---- a habit of the camera ---------------------------------------------------------------------


def pan_rows(lessons: Lessons, base: list[np.ndarray]) -> Iterator[Row]:
    train = lessons.pictures.train
    clips = lessons.clips("pan_left", lambda folder: pan_left(folder, train, (256, 144), 96))
    trained, minutes = lessons.train("pan_left", clips, PAN)
    weights = lessons.weights("pan_left", trained)
    films = {strength: lessons.films(weights, strength) for strength in (1.0, -1.0)}
    before, after = share_of(base, -1), share_of(films[1.0], -1)
    yield Row("pan-left LoRA: films that do not pan left", "%", 100 - before, 100 - after, 10.0)
    right = share_of(films[-1.0], 1)
    yield Row("at strength -1: films that do not pan right", "%", None, 100 - right, 50.0)
    without = lessons.films(weights, 0.0, 3)
    same = max(float(np.abs(a - 1.0 * b).max()) for a, b in zip(base, without, strict=False))
    yield Row("at strength 0: largest difference", "codes", None, same, 0.0)
    yield Row("training time", "min", None, minutes, 30.0)
    yield validation_row(trained)
    save_sheet(lessons.folder / "pan_left.png", base, films[1.0], films[-1.0])


def share_of(films: Sequence[np.ndarray], direction: int) -> float:
    """Percent of films whose camera pans left (-1) or right (1); the picture goes the other way."""
    shifts = [pan_of(film) * direction for film in films]
    return 100 * sum(shift > STILL for shift in shifts) / len(shifts)


def pan_of(film: np.ndarray) -> float:
    """How far the camera pans to the right over the film, in frame widths."""
    last = estimate_homographies(film, "similarity")[-1]
    return -overall_motion(last, film.shape[1] / film.shape[2]).shift_x


# ---- looks -------------------------------------------------------------------------------------


def look_rows(lessons: Lessons, base: list[np.ndarray]) -> Iterator[Row]:
    train = lessons.pictures.train
    clips = lessons.clips(
        "duotone", lambda folder: duotone(folder, train, (256, 144), 96, stills=True)
    )
    trained, minutes = lessons.train("duotone", clips, LOOK)
    films = lessons.films(lessons.weights("duotone", trained), 1.0)
    before, after = (np.mean([off_colour(film) for film in made]) for made in (base, films))
    yield Row("duotone LoRA: distance from its colours", "codes", before, after, 0.5 * before)
    yield Row("training time", "min", None, minutes, 30.0)
    yield validation_row(trained)
    save_sheet(lessons.folder / "duotone.png", base, films)


def validation_row(trained: TrainedLora) -> Row:
    (_, before), *_, (_, after) = trained.progress.validations
    return Row("validation loss", "", before, after, before)


def save_sheet(file: Path, *kinds: Sequence[np.ndarray]) -> None:
    """A row a picture: the first frame, then the last one of every kind of film."""
    rows = [np.hstack([films[0][0], *(f[-1] for f in films)]) for films in zip(*kinds, strict=True)]
    cv2.imwrite(str(file), np.vstack(rows[:8])[..., ::-1])
