"""What the camera did in a clip, measured from its frames.

Image coordinates are in frame widths from the frame's centre, x to the right and y down. A 3x3
homography maps a point of the first frame to where it is in frame t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..drawing import opencv as cv2
from .alignment import (
    FREEDOM,
    fit_similarity,
    in_view,
    mismatch,
    refine,
    rough_similarity,
    transfer,
)

LONGEST_SIDE = 320  # pixels; a move of a tenth of one is still found
SAMPLES = 48  # a row and a column, to fit one model to another over the frame
LEAST_IN_VIEW = 0.4  # of the frame that others are compared with, before a later one takes over


@dataclass(frozen=True)
class GlobalMotion:
    """What the picture as a whole did since the first frame.

    `shift_x`, `shift_y`: frame widths that the content of the frame's centre went to the right
    and down. `log_zoom`: natural logarithm of how many times larger it is. `roll`: degrees that
    it turned clockwise.
    """

    shift_x: float = 0.0
    shift_y: float = 0.0
    log_zoom: float = 0.0
    roll: float = 0.0


def motion_of(homography: np.ndarray) -> GlobalMotion:
    """What a homography (3, 3) does at the frame's centre: the similarity in its Jacobian there."""
    matrix = np.asarray(homography, dtype=np.float64)
    matrix = matrix / matrix[2, 2]
    jacobian = matrix[:2, :2] - np.outer(matrix[:2, 2], matrix[2, :2])
    along = (jacobian[0, 0] + jacobian[1, 1]) / 2
    across = (jacobian[1, 0] - jacobian[0, 1]) / 2
    return GlobalMotion(
        shift_x=float(matrix[0, 2]),
        shift_y=float(matrix[1, 2]),
        log_zoom=math.log(math.hypot(along, across)),
        roll=math.degrees(math.atan2(across, along)),
    )


def nearest_similarity(homography: np.ndarray, aspect: float) -> np.ndarray:
    """The shift, zoom and roll (3, 3) nearest to `homography` over what stays in view.

    `aspect`: the frame's height over its width. A turn of the camera stretches one side of the
    picture and squeezes the other; at the frame's first centre alone, that looks like a zoom.
    """
    ys, xs = (np.mgrid[0:SAMPLES, 0:SAMPLES] + 0.5) / SAMPLES - 0.5
    points = np.stack([xs, ys * aspect], -1).reshape(-1, 2)
    moved = transfer(homography, points)
    seen = (np.abs(moved) <= [0.5, 0.5 * aspect]).all(-1)
    return fit_similarity(points, moved, np.maximum(seen, 1e-6))


def overall_motion(homography: np.ndarray, aspect: float) -> GlobalMotion:
    """What a homography (3, 3) does to the frame as a whole: for curves, measured or commanded.

    `aspect`: the frame's height over its width.
    """
    return motion_of(nearest_similarity(homography, aspect))


def estimate_homographies(frames: np.ndarray, model: str = "similarity") -> np.ndarray:
    """(T, 3, 3), the first an identity, for frames uint8 (T, H, W, 3).

    `model`: "similarity" (shift, zoom and roll) or "homography", which has perspective too.
    Every frame is compared with the first one as long as enough of that is in view, so errors do
    not add up; the steps between neighbours only say where to begin. Things that move on their own
    are left out while they cover less of the texture than what stands. Deterministic.
    Raises ValueError for arrays of another kind and unknown models.
    """
    if model not in FREEDOM:
        raise ValueError(f"The model is {model!r}: use one of {', '.join(FREEDOM)}.")
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(
            f"The frames are {frames.dtype} of shape {frames.shape}: expected uint8 "
            "(frames, height, width, 3)."
        )
    greys = [_working_grey(frame) for frame in frames]
    found = [np.eye(3)]
    anchor = 0
    for t in range(1, len(greys)):
        compared, before, now = greys[anchor], greys[t - 1], greys[t]
        step = refine(before, now, rough_similarity(before, now))
        starts = [step @ found[-1]]
        if t > 1:  # as fast as before: a thing that fills the frame for a moment does not derail
            starts.append(found[-1] @ np.linalg.inv(found[-2]) @ found[-1])
        back = np.linalg.inv(found[anchor])
        since_anchor = _best_fit(compared, now, [start @ back for start in starts], model)
        since_first = since_anchor @ found[anchor]
        found.append(since_first / since_first[2, 2])
        if in_view(compared, since_anchor).mean() < LEAST_IN_VIEW:
            anchor = t
    return np.stack(found)


def _best_fit(
    first: np.ndarray, second: np.ndarray, starts: list[np.ndarray], model: str
) -> np.ndarray:
    """The best of `starts` made exact, unless that made it worse."""

    def badness(homography: np.ndarray) -> float:
        return mismatch(first, second, homography)

    start = min(starts, key=badness)
    return min((refine(first, second, start, model), start), key=badness)


def _working_grey(frame: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    factor = LONGEST_SIDE / max(grey.shape)
    if factor >= 1:
        return grey
    size = (max(16, round(grey.shape[1] * factor)), max(16, round(grey.shape[0] * factor)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
