"""From a plan to encoded clips on disk; what is there already is not encoded again."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...sampling.conditioning import augment_picture
from ...sampling.framing import Fit, composite, fit_picture
from ...video.disk import clear_disk_errors
from ...video.fingerprint import fingerprint
from ...video.sources.image_file import read_picture
from .cache import known_entry, save_clip
from .clip_set import CachedClip, ClipEntry, ClipSet
from .encoders import Encoders
from .films import stamp_of
from .motion import motion_bucket
from .plan import UNREADABLE, ClipPlan, OnStep, PlannedClip, require_some
from .validation import held_out

VERSION = 1  # of what a clip's file holds
NOISY = 4  # encodes of the conditioning picture with noise, beside the clean one
LOG_AUG_MEAN, LOG_AUG_STD = -3.0, 0.5  # of the noise in -1..1: SVD's training (Blattmann 2023)
THUMBNAIL = 192  # pixels of the longer side


def prepare_clips(
    plan: ClipPlan, encoders: Encoders, folder: Path, on_clip: OnStep | None = None
) -> ClipSet:
    """Encode every clip of the plan into `folder`, which then is a set of clips.

    A clip that was encoded before, with the same networks and settings, is taken as it is. One
    that cannot be read is skipped with a sentence. `on_clip` is told how many clips of how many
    are done; what it raises stops the work, and the next call goes on. Raises ValueError if
    nothing is left or the VAE gives no numbers, DiskFullError or PermissionError.
    """
    with clear_disk_errors(folder / "clip", "the training clips"):
        folder.mkdir(parents=True, exist_ok=True)
    done: list[tuple[PlannedClip, ClipEntry]] = []
    skipped = list(plan.skipped)
    for number, clip in enumerate(plan.clips):
        entry = _prepared(clip, plan.settings.seed, encoders, folder)
        if isinstance(entry, str):
            skipped.append(entry)
        else:
            done.append((clip, entry))
        if on_clip:
            on_clip(number + 1, len(plan.clips))
    require_some(done, skipped)
    entries = _with_validation(done, plan)
    return ClipSet(folder, entries, tuple(dict.fromkeys(skipped)))


def content_key(clip: PlannedClip, seed: int, encoders_fingerprint: str) -> str:
    """The same for two clips of which the networks make the same, another for any others."""
    still = clip.film.still
    return fingerprint(
        VERSION, clip.film.stamp, still and stamp_of(still), clip.start, clip.offsets, clip.fps,
        tuple(clip.size), clip.mirrored, seed, NOISY, encoders_fingerprint,
    )  # fmt: skip


def read_clip(clip: PlannedClip) -> tuple[Tensor, Tensor]:
    """The clip's frames (T, H, W, 3), and the picture (1, H, W, 3) that it is conditioned on.

    That is the film's still, or else the first frame. Both in 0..1, at the clip's size. Raises
    ValueError, OSError or ImportError for what cannot be read.
    """
    wanted = {clip.start + offset for offset in clip.offsets}
    frames = []
    with closing(clip.film.stream.frames(clip.start)) as pulled:
        for number, frame in zip(range(clip.start, max(wanted) + 1), pulled, strict=False):
            if number in wanted:
                frames.append(_fitted(frame, clip))
    if len(frames) < len(wanted):
        raise ValueError(f"{clip.film.name} ends before frame {max(wanted)}: copy it again.")
    film = torch.cat(frames)
    still = clip.film.still
    return film, film[:1] if still is None else _fitted(read_picture(still), clip)


def _fitted(frame: Tensor, clip: PlannedClip) -> Tensor:
    picture = fit_picture(composite(frame[None].float().cpu()), *clip.size, Fit.COVER)
    return picture.flip(2) if clip.mirrored else picture


def _prepared(clip: PlannedClip, seed: int, encoders: Encoders, folder: Path) -> ClipEntry | str:
    """The entry of the clip, encoded if it has to be, or why it is skipped."""
    key = content_key(clip, seed, encoders.fingerprint)
    file = f"{key}.safetensors"
    known = known_entry(folder, file)
    if known:
        return replace(known, file=file, source=clip.source)
    try:
        frames, picture = read_clip(clip)
    except UNREADABLE as error:
        return str(error)
    entry = ClipEntry(
        file, clip.source, len(frames), *clip.size, clip.fps, motion_bucket(frames, clip.fps)
    )
    encoded = _encoded(frames, picture, encoders, f"{seed} {key}")
    if not encoded.latents.isfinite().all():
        raise ValueError(
            f"The VAE gave no numbers for {clip.source}: start ComfyUI with --fp32-vae."
        )
    save_clip(folder, entry, encoded, _thumbnails(frames))
    return entry


def _encoded(frames: Tensor, picture: Tensor, encoders: Encoders, draw: str) -> CachedClip:
    random = torch.Generator().manual_seed(_number(draw))
    cond_aug = torch.randn(NOISY, generator=random).mul(LOG_AUG_STD).add(LOG_AUG_MEAN).exp()
    noisy = [
        augment_picture(picture, level, _number(f"{draw} {number}"))
        for number, level in enumerate(cond_aug.tolist())
    ]
    latents = encoders.encode(torch.cat([frames, picture, *noisy])).float().cpu()
    return CachedClip(
        latents[: len(frames)],
        latents[len(frames) :],
        torch.cat([torch.zeros(1), cond_aug]),
        encoders.embed(picture).float().cpu(),
    )


def _with_validation(
    done: Sequence[tuple[PlannedClip, ClipEntry]], plan: ClipPlan
) -> tuple[ClipEntry, ...]:
    settings = plan.settings
    films = [clip.film.name for clip, _ in done]
    starts = [clip.start for clip, _ in done]
    out = held_out(films, starts, settings.validation_share, settings.seed)
    return tuple(replace(entry, held_out=i in out) for i, (_, entry) in enumerate(done))


def _thumbnails(frames: Tensor) -> Tensor:
    """First, middle and last frame, (3, h, w, 3)."""
    three = frames[[0, len(frames) // 2, -1]]
    _, height, width, _ = three.shape
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = (max(1, math.floor(side * scale)) for side in (width, height))
    return fit_picture(three, *size, Fit.STRETCH)


def _number(text: str) -> int:
    """A seed of 63 bits."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
