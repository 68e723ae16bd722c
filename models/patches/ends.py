"""A film between two pictures, or one that repeats without a seam, on a clone of a MODEL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from comfy.conds import CONDCrossAttn, CONDNoiseShape, CONDRegular
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...sampling.ends import Ends, from_both_ends
from .svd_only import require_svd

ENDS_KEY = "svd_studio_ends"


@dataclass(frozen=True)
class EndPicture:
    """The second picture, as SVD is told of pictures, and as the film's last frame.

    `embedding` (1, 1, dim) and `concat` (1, 4, h, w) are what the first picture's conditioning
    has; `latent` (1, 4, h, w) is the VAE's of the picture without noise. Both latents unscaled.
    """

    embedding: Tensor
    concat: Tensor
    latent: Tensor


def with_ends(
    model: ModelPatcher,
    picture: EndPicture | None = None,
    start_sigma: float = float("inf"),
    end_sigma: float = 0.0,
) -> ModelPatcher:
    """A clone whose films end at `picture`, or without one repeat without a seam.

    Acts where end_sigma < sigma <= start_sigma, in any sampler of core, at twice the evaluations.
    Replaces what this function put on the model before. An empty range gives `model` itself.
    Raises ValueError for a MODEL that is not Stable Video Diffusion.
    """
    require_svd(model, "Films whose ends meet are")
    if end_sigma >= start_sigma:
        return model
    patched = model.clone()
    run = EndsRun(picture, start_sigma, end_sigma, model.model.process_latent_in)
    patched.remove_wrappers_with_key(WrappersMP.PREDICT_NOISE, ENDS_KEY)
    patched.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, ENDS_KEY, run.predict)
    patched.set_attachments(ENDS_KEY, run)
    return patched


def ends_of(model: ModelPatcher) -> EndsRun | None:
    """What `with_ends` put on this model or an ancestor of it."""
    return model.attachments.get(ENDS_KEY)


class EndsRun:
    """Evaluates from both ends; `scale` takes latents of the VAE to those of the sampler."""

    def __init__(
        self,
        picture: EndPicture | None,
        start_sigma: float,
        end_sigma: float,
        scale: Callable[[Tensor], Tensor],
    ) -> None:
        self.ends = Ends.LOOP if picture is None else Ends.LAST_FRAME
        self._picture = picture
        self._last = None if picture is None else scale(picture.latent)[0]
        self._start_sigma, self._end_sigma = start_sigma, end_sigma

    def predict(
        self,
        executor: Callable,
        x: Tensor,
        timestep: Tensor,
        *args: Any,  # noqa: ANN401 - whatever this ComfyUI passes on
        **kwargs: Any,  # noqa: ANN401
    ) -> Tensor:
        """Wrapper of core's `predict_noise`, which gives x0 after guidance.

        Guidance is inside: a scale for every frame counts from the end that is looked from.
        Masks are outside, and stay with their frames.
        """
        if not self._end_sigma < float(timestep.max()) <= self._start_sigma:
            return executor(x, timestep, *args, **kwargs)
        self._require_same_size(x)
        guider = executor.class_obj

        def from_start(film: Tensor) -> Tensor:
            return executor(film, timestep, *args, **kwargs)

        def from_end(film: Tensor) -> Tensor:
            conds = guider.conds
            guider.conds = self._seen_from_the_end(conds, len(film))
            try:
                return from_start(film)
            finally:
                guider.conds = conds

        return from_both_ends(x, self.ends, from_start, from_end, self._last)

    def describe(self) -> str:
        """A line for a report."""
        above = f" above sigma {self._end_sigma:g}" if self._end_sigma else ""
        below = "" if self._start_sigma == float("inf") else f" from sigma {self._start_sigma:g}"
        return f"{self.ends.value}: every step evaluates twice{below}{above}"

    def _seen_from_the_end(
        self, conds: dict[str, list[dict]], num_frames: int
    ) -> dict[str, list[dict]]:
        return {
            name: [cond | {"model_conds": self._told(cond, num_frames)} for cond in group]
            for name, group in conds.items()
        }

    def _told(self, cond: dict[str, Any], num_frames: int) -> dict[str, CONDRegular]:
        """What is told frame by frame turned around, and the second picture for the first."""
        told = {
            key: type(value)(self.ends.turn(value.cond)) if _by_frame(value, num_frames) else value
            for key, value in cond["model_conds"].items()
        }
        if self._picture is None or not told["c_concat"].cond.any():
            return told  # without a picture it is what guidance leads away from
        concat, embedding = told["c_concat"].cond, told["c_crossattn"].cond
        second = self._picture.concat.to(concat).expand_as(concat)
        told["c_concat"] = CONDNoiseShape(second)
        told["c_crossattn"] = CONDCrossAttn(self._picture.embedding.to(embedding))
        return told

    def _require_same_size(self, x: Tensor) -> None:
        if self._last is None or self._last.shape == x.shape[1:]:
            return
        (wide, high), (width, height) = (
            (8 * shape[-1], 8 * shape[-2]) for shape in (self._last.shape, x.shape)
        )
        raise ValueError(
            f"SVD Last Frame made a picture of {wide}x{high} and the film is {width}x{height}: "
            "give SVD Last Frame and the sampler the positive and the latent of one SVD "
            "Conditioning."
        )


def _by_frame(told: CONDRegular, num_frames: int) -> bool:
    return isinstance(told.cond, torch.Tensor) and len(told.cond) == num_frames
