"""How much a film flickers, measured along the motion of a film that does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...drawing import opencv as cv2
from ..motion_metrics import optical_flow


@dataclass(frozen=True, eq=False)
class ReferenceMotion:
    """From every frame to the next one: `places` (T-1, H, W, 2) where each pixel goes, and
    `seen` (T-1, H, W) where it is not hidden there."""

    places: np.ndarray
    seen: np.ndarray


def reference_motion(frames: Sequence[np.ndarray]) -> ReferenceMotion:
    """Of frames (H, W, 3) float in 0..1; hidden is where the way back leads elsewhere
    (Sundaram et al. 2010, as Lai et al. 2018 use it)."""
    greys = [
        cv2.cvtColor((frame * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY) for frame in frames
    ]
    height, width = greys[0].shape
    here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    places, seen = [], []
    for first, second in pairwise(greys):
        flow = optical_flow(first, second)
        there = here + flow
        back = cv2.remap(optical_flow(second, first), there, None, cv2.INTER_LINEAR)
        gap, lengths = ((flow + back) ** 2).sum(-1), (flow**2).sum(-1) + (back**2).sum(-1)
        inside = ((there >= 0) & (there <= [width - 1, height - 1])).all(-1)
        places.append(there)
        seen.append((gap < 0.01 * lengths + 0.5) & inside)
    return ReferenceMotion(np.stack(places), np.stack(seen))


def warping_error(frames: Sequence[np.ndarray], motion: ReferenceMotion) -> float:
    """Mean square difference, 0..1, of each frame (H, W, 3) and the next one moved back onto it,
    where that is not hidden (Lai et al., "Learning Blind Video Temporal Consistency", 2018).

    Blurring lowers it as well: report it beside PSNR.
    """
    errors = []
    for (first, second), places, seen in zip(
        pairwise(frames), motion.places, motion.seen, strict=True
    ):
        moved = cv2.remap(second, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        errors.append(((first - moved) ** 2)[seen].mean())
    return float(np.mean(errors))
