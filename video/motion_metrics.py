"""How a clip moves, and whether it moves as one: optical flow, its affine share, and warping back.

Flow alone cannot tell a moving picture from one that dissolves, so the other two stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..drawing import opencv as cv2

BORDER = 10  # pixels left out of the warp error: flow is unreliable at the edge


@dataclass(frozen=True)
class ClipMotion:
    """Measured on frames uint8 (T, H, W, 3).

    `flow` and `displacement` are mean lengths in pixels, from frame to frame and from first to
    last; `affine_share` is R^2 of the first-to-last flow against the best affine field;
    `warp_psnr` is dB between the first frame and the last one warped back onto it.
    """

    flow: float
    displacement: float
    affine_share: float
    warp_psnr: float


def measure_motion(frames: np.ndarray) -> ClipMotion:
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    steps = [optical_flow(a, b) for a, b in pairwise(greys)]
    total = optical_flow(greys[0], greys[-1])
    return ClipMotion(
        flow=float(np.mean([np.linalg.norm(step, axis=-1).mean() for step in steps])),
        displacement=float(np.linalg.norm(total, axis=-1).mean()),
        affine_share=affine_share(total),
        warp_psnr=warp_psnr(frames[0], frames[-1], total),
    )


def optical_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where each pixel of `first` (H, W) uint8 goes in `second`: (H, W, 2) in pixels.

    DIS (Kroeger et al. 2016), medium preset.
    """
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return dis.calc(first, second, None)


def affine_share(flow: np.ndarray) -> float:
    """The share of the flow's energy that one affine field explains, at most 1."""
    height, width = flow.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width]
    basis = np.stack([np.ones(xs.size), xs.ravel() / width, ys.ravel() / height], 1)
    target = flow.reshape(-1, 2).astype(np.float64)
    field, *_ = np.linalg.lstsq(basis, target, rcond=None)
    error = ((target - basis @ field) ** 2).sum()
    return float(1 - error / max((target**2).sum(), 1e-9))


def warp_psnr(first: np.ndarray, last: np.ndarray, flow: np.ndarray) -> float:
    """dB between `first` and `last` warped back along `flow`, where both show the same scene."""
    height, width = flow.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = xs + flow[..., 0], ys + flow[..., 1]
    warped = cv2.remap(last, x, y, cv2.INTER_LINEAR)
    seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    seen[:BORDER] = seen[-BORDER:] = False
    seen[:, :BORDER] = seen[:, -BORDER:] = False
    return psnr(warped[seen], first[seen])


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    """dB between two uint8 arrays of one shape; 100 when they are equal."""
    error = ((image.astype(np.float64) - reference) ** 2).mean()
    return float(10 * np.log10(255**2 / error)) if error > 6.5e-6 else 100.0


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Rank correlation, ties sharing their mean rank."""
    return float(np.corrcoef(_ranks(xs), _ranks(ys))[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    ranks = np.argsort(np.argsort(array)).astype(np.float64)
    for value in np.unique(array):
        ranks[array == value] = ranks[array == value].mean()
    return ranks
