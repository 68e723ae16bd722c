"""How many evaluations of the network a run takes, and how many guiding every step would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

TALLY_KEY = "svd_studio_evaluations"


@dataclass
class Evaluations:
    """Counted while a run goes on; an evaluation is one pass for one conditioning.

    `predictions`: how often the sampler asked for x0. `done`: evaluations that were begun.
    """

    predictions: int = 0
    done: int = 0

    def describe(self, guided: bool) -> str:
        """`guided`: that each prediction would be made of two evaluations, were none saved."""
        line = f"{self.done} evaluations of the network"
        saved = self.predictions * (2 if guided else 1) - self.done
        return f"{line}, {saved} saved by guiding some steps only" if saved > 0 else line


def counting(model: ModelPatcher) -> tuple[ModelPatcher, Evaluations]:
    """A clone for one run, and what counts the run's evaluations."""
    tally = Evaluations()

    def predict(executor: Callable, *args: object, **kwargs: object) -> Tensor:
        tally.predictions += 1
        return executor(*args, **kwargs)

    def evaluate(executor: Callable, *args: object, **kwargs: object) -> Tensor:
        options = kwargs.get("transformer_options") or args[5]
        tally.done += len(options["cond_or_uncond"])
        return executor(*args, **kwargs)

    counted = model.clone()
    for kind, wrapper in (
        (WrappersMP.PREDICT_NOISE, predict),
        (WrappersMP.APPLY_MODEL, evaluate),
    ):
        counted.add_wrapper_with_key(kind, TALLY_KEY, wrapper)
    return counted, tally
