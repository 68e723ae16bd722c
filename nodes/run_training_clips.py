"""Clips encoded with core's networks into ComfyUI's output folder, with progress and cancel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import comfy.model_management as management
import comfy.utils
import folder_paths
import torch
from comfy.clip_vision import ClipVisionModel
from comfy.sd import VAE
from comfy_api.latest import io, ui
from torch import Tensor

from ..training.clips.encoders import Encoders, fingerprint_of
from ..training.clips.films import Found, film_of_images, films_at
from ..training.clips.plan import ClipSettings, find_starts, plan_clips
from ..training.clips.prepare import prepare_clips
from ..training.clips.remembered_places import remembered
from ..training.clips.report import contact_sheet, describe
from ..video.rate import exact_rate
from .condition import Framing, embed_picture, film_shape, require_parts
from .film_inputs import film_path
from .report import show
from .run_encode import encode_film

CLIPS_FOLDER = Path("svd_studio", "training_clips")
FORBIDDEN = frozenset('/\\:*?"<>|')  # on one system or another


@dataclass(frozen=True, eq=False)
class Material:
    """The user's films: a path as it was typed and a batch, of which one may be missing.

    `name` is of the set, empty for the path's; `pictures_fps` is of films that name no rate.
    """

    folder: str
    name: str
    images: Tensor | None
    pictures_fps: float

    def films(self) -> Found:
        """Raises ValueError where there are none."""
        rate = exact_rate(self.pictures_fps)
        found = films_at(film_path(self.folder), rate) if self.folder.strip() else Found(())
        if self.images is not None:
            found = Found((*found.films, film_of_images(self.images, rate)), found.skipped)
        if not found.films:
            raise ValueError(
                "There is nothing to train on: give the path of a folder of films, or connect "
                "images."
            )
        return found

    def set_folder(self) -> Path:
        """Where the clips go. Raises ValueError for a name that is no name of a folder."""
        typed = film_path(self.folder) if self.folder.strip() else Path("images")
        name = self.name.strip() or (typed.name if typed.is_dir() else typed.stem)
        if Path(name).name != name or name.startswith(".") or set(name) & FORBIDDEN:
            raise ValueError(f"{name} cannot be a folder's name: use letters, digits, - and _.")
        return Path(folder_paths.get_output_directory()) / CLIPS_FOLDER / name


def settings_of(
    vae: VAE,
    shape: tuple[int, int, int, int],
    clips_per_film: int,
    mirror: bool,
    validation_share: float,
    seed: int,
) -> ClipSettings:
    """`shape`: frames, fps, width, height; the model's own where it is 0 (fps: the film's own)."""
    num_frames, fps, width, height = shape
    film = film_shape(vae, width, height, num_frames)
    return ClipSettings(
        film.num_frames,
        fps,
        film.width,
        film.height,
        clips_per_film=clips_per_film,
        mirror=mirror,
        validation_share=validation_share,
        seed=seed,
    )


def training_clips(
    vae: VAE,
    clip_vision: ClipVisionModel,
    material: Material,
    settings: ClipSettings,
    node: type[io.ComfyNode],
) -> io.NodeOutput:
    """The set of clips, its report, and a contact sheet, which the node shows.

    Raises ValueError if no film gives a clip; what is encoded by then, or by a cancel, stays.
    """
    require_parts(clip_vision, vae)
    node_id = node.hidden.unique_id if node.hidden else None
    found, folder = material.films(), material.set_folder()
    stop = management.throw_exception_if_processing_interrupted
    find = remembered(folder, partial(find_starts, on_frame=stop))
    plan = plan_clips(found, settings, _Shown("film", node_id).tell, find)
    encoders = encoders_of(vae, clip_vision)
    clips = prepare_clips(plan, encoders, folder, _Shown("clip", node_id).tell)
    report = describe(clips)
    show(report, node_id)
    sheet = torch.from_numpy(contact_sheet(clips))[None].float() / 255
    return io.NodeOutput(clips, report, sheet, ui=ui.PreviewImage(sheet, cls=node))


def encoders_of(vae: VAE, clip_vision: ClipVisionModel) -> Encoders:
    """Core's networks as clips go through them."""
    return Encoders(
        partial(encode_film, vae),
        lambda picture: embed_picture(clip_vision, picture, Framing.WHOLE)[0],
        fingerprint_of(vae.first_stage_model, clip_vision.model),
    )


@dataclass(frozen=True)
class _Shown:
    """How far the node is, in films or in clips; where a run was cancelled it ends."""

    what: str
    node_id: str | None

    def tell(self, done: int, count: int) -> None:
        management.throw_exception_if_processing_interrupted()
        comfy.utils.ProgressBar(count, self.node_id).update_absolute(done)
        show(f"{self.what} {done} of {count}", self.node_id)
