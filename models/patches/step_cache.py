"""Deep features reused from step to step, on a clone of a MODEL, in any sampler of core."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...sampling.step_cache import Evaluation, StepCache
from ...sampling.unet_cost import Film, bytes_held, unet_cost
from ..architecture import UNetArchitecture
from .outer_blocks import Deep, OuterBlocks, UNetCall, relative_change, some_pixels
from .svd_only import require_svd
from .unet_of import unet_architecture_of
from .wrappers import add_outermost, without_wrappers

STEP_CACHE_KEY = "svd_studio_step_cache"
CONTROLLED = "ControlNet reaches into the inner blocks"
WINDOWS = "context windows show the network other frames every time"
UNNAMED = "this ComfyUI does not tell conditionings apart"
UNASKED = "another node runs the network in a way of its own"
OTHER_SHAPE = "the film changed its size within the run"


def with_step_cache(model: ModelPatcher, policy: StepCache) -> ModelPatcher:
    """A clone that reuses deep features as `policy` says, in place of an earlier policy.

    A policy that never reuses gives a clone without a cache. Raises ValueError for a MODEL that is
    not Stable Video Diffusion, and for more blocks than its encoder has.
    """
    require_svd(model, "SVD Step Cache is")
    most = len(model.model.diffusion_model.input_blocks)
    if policy.blocks > most:
        raise ValueError(
            f"The encoder of this model has {most} blocks and {policy.blocks} were asked to run "
            f"at every step: choose 1 to {most}; fewer save more."
        )
    patched = without_step_cache(model)
    if not policy.reuses:
        return patched
    run = StepCacheRun(policy, unet_architecture_of(model))
    patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, STEP_CACHE_KEY, run.run)
    patched.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, STEP_CACHE_KEY, run.evaluate)
    add_outermost(patched, WrappersMP.PREDICT_NOISE, STEP_CACHE_KEY, run.begin_prediction)
    add_outermost(patched, WrappersMP.CALC_COND_BATCH, STEP_CACHE_KEY, run.begin_call)
    patched.set_attachments(STEP_CACHE_KEY, run)
    return patched


def without_step_cache(model: ModelPatcher) -> ModelPatcher:
    """A clone whose every evaluation is whole."""
    return without_wrappers(model, STEP_CACHE_KEY)


def step_cache_of(model: ModelPatcher) -> StepCacheRun | None:
    """What `with_step_cache` put on this model or an ancestor of it."""
    return model.attachments.get(STEP_CACHE_KEY)


@dataclass
class _Track:
    """One conditioning in the course of a run."""

    last: Evaluation | None = None
    deep: Deep | None = None
    shape: torch.Size | None = None


class StepCacheRun:
    """What a run keeps and counts; each run begins anew and lets go of its tensors at its end.

    `whole` and `reused` count evaluations of one conditioning; `measured_in_vain` those of the
    whole ones whose outer encoder blocks ran twice, because their change passed the threshold.
    """

    def __init__(self, policy: StepCache, unet: UNetArchitecture) -> None:
        self.policy = policy
        self.whole = self.reused = self.measured_in_vain = 0
        self.notes: list[str] = []
        self._unet = unet
        self._film: Film | None = None
        self._call = 0
        self._sigmas = (math.nan, math.nan)  # the step's and that of the step before
        self._tracks: dict[Hashable, _Track] | None = None

    # ---- wrappers, from the outside to the inside ----------------------------------------------

    def run(self, executor: Callable, *args: object, **kwargs: object) -> Tensor:
        """Wrapper of core's `outer_sample`."""
        self.whole = self.reused = self.measured_in_vain = 0
        self.notes, self._film = [], None
        around, self._tracks = self._tracks, {}
        try:
            return executor(*args, **kwargs)
        finally:
            self._tracks = around

    def begin_prediction(self, executor: Callable, *args: object, **kwargs: object) -> Tensor:
        """Wrapper of core's `predict_noise`, outside all others.

        Within it some methods ask several times, for other films of the same conditionings.
        """
        self._call = 0
        return executor(*args, **kwargs)

    def begin_call(self, executor: Callable, *args: object, **kwargs: object) -> list[Tensor]:
        """Wrapper of core's `calc_cond_batch`, outside the one that tries again for memory."""
        self._call += 1
        return executor(*args, **kwargs)

    def evaluate(
        self,
        executor: Callable,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        y: Tensor,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> Tensor:
        """Wrapper of the forward of core's `UNetModel`."""
        control, options = args
        call = UNetCall(x, timesteps, context, y, control, options, kwargs)
        if self._tracks is None:
            return call.run(executor)
        self._film = Film(len(x) // call.conds, *x.shape[-2:])
        reason = _reason_for_whole(call)
        if reason is None:
            return self._evaluate(executor, call)
        self._forget(call)
        if self.policy.acts_at(_sigma(call)):
            self._note(reason)
        self.whole += call.conds
        return call.run(executor)

    # ---- one pass ------------------------------------------------------------------------------

    def _evaluate(self, executor: Callable, call: UNetCall) -> Tensor:
        sigma = _sigma(call)
        if sigma != self._sigmas[0]:
            self._sigmas = (sigma, self._sigmas[0])
        tracks = self._tracks_of(call)
        following = [self._next(track, sigma, call) for track in tracks]
        alike = len({evaluation.whole for evaluation in following}) == 1
        if call.conds > 1 and (self.policy.measures or not alike):
            # So that a film does not depend on which conditionings core puts into one pass.
            return torch.cat([self._evaluate(executor, call.alone(i)) for i in range(call.conds)])
        outer = OuterBlocks(executor.class_obj, self.policy.blocks)
        if not following[0].whole:
            for track, evaluation in zip(tracks, following, strict=True):
                track.last = evaluation
            output = self._reused(outer, call, tracks)
            if output is not None:
                return output
        return self._whole(executor, outer, call, tracks)

    def _reused(self, outer: OuterBlocks, call: UNetCall, tracks: list[_Track]) -> Tensor | None:
        """None where too much has changed."""
        h, encoded = outer.encode(call)
        if self.policy.measures:
            change = relative_change(some_pixels(h), tracks[0].deep.outer)
            if not change <= self.policy.threshold:
                self.measured_in_vain += 1
                return None
        del h
        output = outer.decode(call, encoded, [track.deep for track in tracks])
        self.reused += call.conds
        return output

    def _whole(
        self, executor: Callable, outer: OuterBlocks, call: UNetCall, tracks: list[_Track]
    ) -> Tensor:
        sigma = _sigma(call)
        for track in tracks:
            # The one before goes first, so that there are never two.
            track.last, track.deep = Evaluation(sigma, whole=True), None
            track.shape = call.x.shape[1:]
        if not self.policy.acts_at(sigma):
            output = call.run(executor)
        else:
            output, kept = outer.whole(executor, call, self.policy.measures)
            if kept is None:
                self._note(UNASKED)
            for track, deep in zip(tracks, kept or [], strict=False):
                track.deep = deep
        self.whole += call.conds
        return output

    def _next(self, track: _Track, sigma: float, call: UNetCall) -> Evaluation:
        if track.last is not None and track.last.sigma not in self._sigmas:
            track.last = None  # it was left out for a while, as guidance within a range does
        evaluation = self.policy.next(sigma, track.last)
        if evaluation.whole or track.deep is None:
            return Evaluation(sigma, whole=True)
        frames = len(call.x) // call.conds
        if (len(track.deep.h), track.shape) != (frames, call.x.shape[1:]):
            self._note(OTHER_SHAPE)
            return Evaluation(sigma, whole=True)
        return evaluation

    def _tracks_of(self, call: UNetCall) -> list[_Track]:
        return [self._tracks.setdefault(key, _Track()) for key in self._keys(call)]

    def _keys(self, call: UNetCall) -> list[Hashable]:
        names = zip(call.options["cond_or_uncond"], call.options["uuids"], strict=True)
        return [(self._call, place, uuid) for place, uuid in names]

    def _forget(self, call: UNetCall) -> None:
        if "uuids" in call.options:
            for key in self._keys(call):
                self._tracks.pop(key, None)

    def _note(self, reason: str) -> None:
        note = f"step cache: evaluations ran whole, because {reason}"
        if note not in self.notes:
            self.notes.append(note)

    # ---- for reports and plans -----------------------------------------------------------------

    @property
    def equal_to(self) -> float:
        """How many whole evaluations of one conditioning the run has cost, by multiply-adds."""
        if self._film is None:
            return 0.0
        cost = unet_cost(self._unet, self._film)
        return (
            self.whole
            + self.reused * cost.share_of_reused(self.policy.blocks)
            + self.measured_in_vain * cost.share_of_measuring(self.policy.blocks)
        )

    def bytes_held(self, latent_shape: Sequence[int], element_size: int, conds: int) -> int:
        """Bytes on the device between evaluations of `conds` conditionings.

        For latents (T, 4, h, w). Where skips wait in host memory, these tensors do so too.
        """
        frames, _, height, width = latent_shape
        film = Film(frames, height, width)
        return bytes_held(self._unet, film, self.policy, element_size, conds)

    def describe(self) -> str:
        """Lines for a report: the policy, what was run, and what had to run whole."""
        line = f"step cache {self.policy.describe()}: {self.whole} whole, {self.reused} reused"
        if self._film is not None:
            line += f", equal to {self.equal_to:.1f} whole evaluations"
        return "\n".join([line, *self.notes])


def _reason_for_whole(call: UNetCall) -> str | None:
    """Why this evaluation has to be whole, whatever the policy."""
    if call.control is not None:
        return CONTROLLED
    if call.options.get("context_window") is not None:
        return WINDOWS
    if "uuids" not in call.options or "sigmas" not in call.options:
        return UNNAMED
    return None


def _sigma(call: UNetCall) -> float:
    return float(call.options["sigmas"].max()) if "sigmas" in call.options else 0.0
