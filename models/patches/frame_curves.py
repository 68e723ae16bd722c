"""A motion bucket and an augmentation level for every frame, on a clone of a MODEL.

Core tells all frames the same; SVD's network takes a vector for each. The curves travel in the
conditioning, so that two of them can differ, and the MODEL is what reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from comfy.conds import CONDRegular
from comfy.model_base import BaseModel
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...sampling.frame_curves import MotionCurves
from .svd_only import require_svd

CURVES_KEY = "svd_studio_frame_curves"
ENCODER = "encode_adm"


def with_frame_curves(model: ModelPatcher) -> ModelPatcher:
    """A clone that follows the curves of its conditionings, in any sampler of core.

    Conditionings without curves are told what core tells them. Raises ValueError for a MODEL that
    is not Stable Video Diffusion.
    """
    require_svd(model, "Motion curves are")
    patched = model.clone()
    encode = model.get_model_object(ENCODER)
    if not isinstance(encode, _VectorOfEveryFrame):
        patched.add_object_patch(ENCODER, _VectorOfEveryFrame(encode))
    patched.remove_wrappers_with_key(WrappersMP.CALC_COND_BATCH, CURVES_KEY)
    patched.add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, CURVES_KEY, _in_context_windows)
    return patched


def tell_curves(conditioning: list, curves: MotionCurves) -> list:
    """The conditioning with `curves` in it, over those that it has already."""
    return [
        [embedding, told | {CURVES_KEY: curves.over(told.get(CURVES_KEY, MotionCurves()))}]
        for embedding, told in conditioning
    ]


class _VectorOfEveryFrame:
    """Core's `encode_adm`: one vector (1, 768), or with curves (T, 768), core's own a frame."""

    def __init__(self, encode: Callable[..., Tensor]) -> None:
        self.encode = encode

    def __call__(self, **conditioning: Any) -> Tensor:  # noqa: ANN401 - whatever nodes put in it
        curves = conditioning.pop(CURVES_KEY, None)
        if not curves:
            return self.encode(**conditioning)
        num_frames = len(conditioning["noise"])
        vectors = [self.encode(**conditioning | told) for told in curves.told(num_frames)]
        return torch.cat(vectors)


def _in_context_windows(
    executor: Callable,
    model: BaseModel,
    conds: list,
    x: Tensor,
    timestep: Tensor,
    model_options: dict,
) -> list[Tensor]:
    """Wrapper of core's `calc_cond_batch`: a window of a long film gets its own frames' vectors.

    Older versions of core would give every window the vectors of the first frames.
    """
    window = model_options.get("transformer_options", {}).get("context_window")
    if window is not None:
        conds = [
            cond and [_of_frames(told, window.index_list, len(x)) for told in cond]
            for cond in conds
        ]
    return executor(model, conds, x, timestep, model_options)


def _of_frames(told: dict, frames: list[int], count: int) -> dict:
    """One conditioning with the vectors of `frames`, unless it has `count` of them already."""
    if CURVES_KEY not in told or len(told["model_conds"]["y"].cond) == count:
        return told
    vectors = told["model_conds"]["y"].cond[frames]
    return told | {"model_conds": told["model_conds"] | {"y": CONDRegular(vectors)}}
