"""Frames between frames without weights: dense optical flow, and both frames warped along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...drawing import opencv as cv2

LONGER_SIDE = 1280  # pixels in which flow is looked for; larger frames are reduced
DISAGREEMENT = 0.05, 1.0  # of the flow's length and in pixels, until a pixel counts as hidden
SEAM = 1.5  # pixels, of what is seen towards what is hidden
NEAR, HOLES = 1.0, 12.0  # pixels around a place, and around a hole, that its motion is taken from
FAINT = 1e-3  # what a hidden pixel counts where nothing else is known
SMALLEST = 32  # pixels


@dataclass(frozen=True, eq=False)
class Prepared:
    """A frame (H, W, 3) float32 in 0..1, and (h, w) uint8 in grey, reduced, to find flow in."""

    frame: np.ndarray
    grey: np.ndarray


@dataclass(frozen=True)
class FlowInterpolator:
    """Flow both ways (DIS, Kroeger et al. 2016), straight motion, hidden pixels from one frame.

    Where the two flows do not lead back to where they came from, a pixel of one frame is hidden in
    the other, and the frame that sees it is shown. On the CPU.
    """

    longer_side: int = LONGER_SIDE

    def prepare(self, frame: Tensor) -> Prepared:
        picture = frame[0].permute(1, 2, 0).float().cpu().numpy()
        picture = np.ascontiguousarray(picture)
        grey = cv2.cvtColor((picture.clip(0, 1) * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY)
        height, width = grey.shape
        reduction = min(self.longer_side / max(height, width), 1.0)
        size = max(round(width * reduction), 1), max(round(height * reduction), 1)
        return Prepared(picture, cv2.resize(grey, size, interpolation=cv2.INTER_AREA))

    def between(
        self, first: Prepared, second: Prepared, times: Sequence[float]
    ) -> Iterator[Tensor]:
        there, back = both_flows(first.grey, second.grey)
        seen = trust(there, back), trust(back, there)
        size = first.frame.shape[1::-1]
        for t in times:
            motion = motion_at(there, back, seen, t)
            from_first = warped(first.frame, enlarged(-t * motion, size))
            from_second = warped(second.frame, enlarged((1 - t) * motion, size))
            share = _share(warped(seen[0], -t * motion), warped(seen[1], (1 - t) * motion), t)
            share = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)[..., None]
            from_second -= from_first
            from_second *= share
            from_second += from_first
            yield torch.from_numpy(from_second).permute(2, 0, 1)[None]


def both_flows(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of each (h, w) uint8 are in the other one: (h, w, 2) in pixels."""
    height, width = first.shape
    missing = max(SMALLEST - height, 0), max(SMALLEST - width, 0)
    if any(missing):  # the patches that DIS compares would not fit
        first, second = (
            cv2.copyMakeBorder(grey, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
            for grey in (first, second)
        )
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows = dis.calc(first, second, None), dis.calc(second, first, None)
    there, back = (flow[:height, :width] for flow in flows)
    return there, back


def trust(there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """0..1 (h, w): how sure it is that a pixel is seen in the other frame too.

    It is where the flow there and the flow back from there cancel out.
    """
    returned = warped(back, there)
    off = np.linalg.norm(there + returned, axis=-1)
    length = np.linalg.norm(there, axis=-1) + np.linalg.norm(returned, axis=-1)
    share, pixels = DISAGREEMENT
    off /= share * length + pixels
    return cv2.GaussianBlur(np.exp(-(off**2)), (0, 0), SEAM)


def motion_at(
    there: np.ndarray, back: np.ndarray, seen: tuple[np.ndarray, np.ndarray], t: float
) -> np.ndarray:
    """Motion from the first frame to the second (h, w, 2) of what is at each place at `t`.

    Every pixel is carried along its own flow to where it is then; places that nothing comes to
    take the motion around them.
    """
    carried = _carry(there, t * there, (1 - t) * (seen[0] + FAINT))
    carried += _carry(-back, (1 - t) * back, t * (seen[1] + FAINT))
    near = cv2.GaussianBlur(carried, (0, 0), NEAR)
    near += FAINT * cv2.GaussianBlur(carried, (0, 0), HOLES)
    return near[..., :2] / np.maximum(near[..., 2:], 1e-12)


def _carry(values: np.ndarray, moves: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sums (h, w, 3) of weight times value, and of weight, where pixels go that move by `moves`."""
    height, width = weight.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = np.rint(xs + moves[..., 0]), np.rint(ys + moves[..., 1])
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = (y[inside] * width + x[inside]).astype(np.int64)
    weights = weight[inside]
    sums = [
        np.bincount(place, share * weights, height * width)
        for share in (values[..., 0][inside], values[..., 1][inside], 1.0)
    ]
    return np.stack(sums, axis=-1).reshape(height, width, 3).astype(np.float32)


def warped(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """`picture` (h, w, ...) float32 as seen along `flow` (h, w, 2), in pixels."""
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def enlarged(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`flow` (h, w, 2) for pictures of `size` (width, height), in their pixels."""
    factors = np.float32([size[0] / flow.shape[1], size[1] / flow.shape[0]])
    return cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * factors


def _share(first_seen: np.ndarray, second_seen: np.ndarray, t: float) -> np.ndarray:
    """0..1 (h, w): how much of the second frame is shown."""
    first, second = (1 - t) * (first_seen + FAINT), t * (second_seen + FAINT)
    return (second / (first + second)).astype(np.float32)
