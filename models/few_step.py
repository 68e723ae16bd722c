"""Recognise weights that were distilled for few steps: AnimateLCM-SVD and TDD.

Their tensors tell nothing. AnimateLCM-SVD is SVD-XT with every weight trained on: the same keys,
the same shapes, and no input for guidance that would give it away. TDD's file is a plain LoRA. So
only words can tell: the user's, those in the metadata, the scheduler of a diffusers folder, and
the file's name, in this order. A file without such words counts as a model for many steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..sampling.few_step import ANIMATE_LCM, TDD, FewStepWeights

TITLE = "modelspec.title"
OWN_FACTS, MERGED = "svd_studio", "svd_studio_merged"  # as this pack writes them
CHOICES = {"animatelcm_svd": ANIMATE_LCM, "svd_tdd": TDD}  # what users can call a model
_SCHEDULERS = {
    "AnimateLCMSVDStochasticIterativeScheduler": ANIMATE_LCM,
    "TDDSVDStochasticIterativeScheduler": TDD,
}
_NAMES = (
    (re.compile(r"animate_?lcm|(^|_)lcm(_|$)"), ANIMATE_LCM),
    (re.compile(r"(^|_)tdd(_|$)"), TDD),
)


def few_step_by_name(name: str) -> FewStepWeights | None:
    """What a name says: of a checkpoint, of a diffusers folder, or of a LoRA.

    `lcm` and `tdd` count as words of their own only, `animatelcm` also within one.
    """
    words = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return next((weights for pattern, weights in _NAMES if pattern.search(words)), None)


def few_step_by_scheduler(config: Mapping[str, Any]) -> FewStepWeights | None:
    """What a diffusers folder's `scheduler_config.json` says."""
    return _SCHEDULERS.get(str(config.get("_class_name")))


def few_step_by_file(name: str, metadata: Mapping[str, str]) -> FewStepWeights | None:
    """What a checkpoint says: its record of merged LoRAs, else its title, else its name.

    Names do not count for a file with this pack's own facts: those say what it is.
    """
    told = few_step_by_name(metadata.get(TITLE, ""))
    if MERGED in metadata:
        return _merged(metadata[MERGED]) or told
    return told if told or OWN_FACTS in metadata else few_step_by_name(name)


def _merged(record: str) -> FewStepWeights | None:
    """The last few-step LoRA that was merged in whole, else what it was merged into."""
    try:
        merges = json.loads(record)
        for merge in reversed(merges):
            found = few_step_by_name(merge["lora"])
            if found and min(merge["spatial"], merge["temporal"]) > 0:
                return found
        return few_step_by_name(merges[0]["into"])
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # anybody can write metadata; a model is no worse for it
