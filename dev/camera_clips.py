"""One clip of the camera bench: made by the pack's own nodes on svd-mini, and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import comfy.utils
import numpy as np
import torch
from svd_studio.models.loader import LoadedSVD, load_svd
from svd_studio.models.patches.guidance import with_guidance
from svd_studio.models.sources import MINI, open_svd
from svd_studio.nodes.camera_guide import SVDCameraGuide
from svd_studio.nodes.condition import SVDConditioning
from svd_studio.nodes.decode import SVDDecode
from svd_studio.nodes.ends import SVDSeamlessLoop
from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler
from svd_studio.sampling.camera import CameraPath, Ease, Pose, straight
from svd_studio.sampling.guidance import FrameGuidance
from svd_studio.sampling.view import homographies
from svd_studio.training.pictures import Picture, cover
from svd_studio.video.camera_motion import overall_motion
from svd_studio.video.metrics import measure_clip

FRAMES, FPS = 14, 7.0
BUCKET = 140  # told to clips without a move: unguided ones, held ones and loops
HOLD = "hold"
MOVES = {
    "pan right": Pose(pan=5.0),
    "pan left": Pose(pan=-5.0),
    "tilt up": Pose(tilt=4.0),
    "tilt down": Pose(tilt=-4.0),
    "zoom in": Pose(zoom=1.2),
    "zoom out": Pose(zoom=1 / 1.2),
    "roll": Pose(roll=8.0),
    HOLD: Pose(),
}
CHANNELS = ("shift_x", "shift_y", "log_zoom", "roll")
MAIN_CHANNEL = {"pan": "shift_x", "tilt": "shift_y", "zoom": "log_zoom", "roll": "roll"}


@dataclass(frozen=True)
class Case:
    """`method`: one of the guide's, "plain warp" (no model), "unguided" or "loop"."""

    photo: int
    move: str
    amount: float
    seed: int
    method: str

    @property
    def path(self) -> CameraPath:
        return straight(MOVES[self.move].scaled(self.amount), Ease.LINEAR)

    @property
    def key(self) -> str:
        return "/".join(str(value) for value in asdict(self).values())


@dataclass(frozen=True)
class Setting:
    """What all clips of one bench share. 0 is the node's own default."""

    width: int = 192
    height: int = 112
    guided_steps: int = 12
    free_steps: int = 12
    end_sigma: float = 0.0
    holes_sigma: float = 0.0


class Studio:
    """svd-mini loaded once, and the photographs."""

    def __init__(self, photos: Sequence[Picture], setting: Setting, weights: Path = MINI) -> None:
        comfy.utils.set_progress_bar_enabled(False)
        self.svd: LoadedSVD = load_svd(open_svd(weights))
        self.setting = setting
        self.photos = [cover(p.pixels, setting.width, setting.height) for p in photos]

    @torch.inference_mode()
    def film(self, case: Case) -> np.ndarray:
        """Frames uint8 (T, H, W, 3)."""
        setting, image = self.setting, self._image(case.photo)
        guided = case.method in ("clock", "refine", "warp", "plain warp")
        model, latent, bucket = self.svd.model, None, BUCKET
        if guided:
            method = "clock" if case.method == "plain warp" else case.method
            model, latent, frames, _, advised, *_ = SVDCameraGuide.execute(
                self.svd.model, self.svd.vae, image, case.path, method, 1.0, 0.0,
                setting.end_sigma, setting.holes_sigma, 3, 1, setting.width, setting.height,
                FRAMES, FPS, "cover", True, 4.0,
            ).args  # fmt: skip
            if case.method == "plain warp":
                return to_bytes(frames)
            bucket = BUCKET if case.move == HOLD else advised
        positive, negative, empty = SVDConditioning.execute(
            self.svd.image_encoder, self.svd.vae, image, setting.width, setting.height, FRAMES,
            bucket, FPS, 0.0, case.seed, "cover", "whole picture (reference)",
        ).args  # fmt: skip
        if case.method == "loop":
            model = SVDSeamlessLoop.execute(model, 100.0, 0.0).args[0]
        # One thing at a time: what is measured is the guide, without guidance beside it.
        model = with_guidance(model, FrameGuidance(1.0, 1.0))
        starts_low = case.method in ("clock", "refine")
        steps = setting.guided_steps if starts_low else setting.free_steps
        settings = SamplerSettings(case.seed, steps, "karras", "euler", 0.0, 0.0, 1.0)
        sampled, _ = run_sampler(model, positive, negative, latent or empty, settings)
        return to_bytes(SVDDecode.execute(self.svd.vae, sampled).args[0])

    def _image(self, photo: int) -> torch.Tensor:
        return torch.from_numpy(self.photos[photo])[None].float() / 255


def measure_case(case: Case, film: np.ndarray) -> dict:
    """The case, what was commanded and what was measured at the last frame, and the film's ways."""
    report = measure_clip(film)
    aspect = film.shape[1] / film.shape[2]
    commanded = overall_motion(homographies(case.path, FRAMES)[-1].numpy(), aspect)
    facts = asdict(case) | {"key": case.key}
    for channel in CHANNELS:
        facts[f"commanded_{channel}"] = getattr(commanded, channel)
        facts[channel] = getattr(report.curve[-1], channel)
    facts |= {
        "global_speed": report.global_speed,
        "residual": report.residual,
        "flicker": report.flicker,
        "sharpness": report.sharpness[-1],
        "loop_error": report.loop_error,
        "neighbour_error": report.neighbour_error,
    }
    return facts


def to_bytes(frames: torch.Tensor) -> np.ndarray:
    return (frames.clamp(0, 1) * 255).round().byte().numpy()
