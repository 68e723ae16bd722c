"""Stabilising without weights: every pixel averaged along its way through a few frames.

The window is fixed and nothing is carried on from frame to frame, so errors do not add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...drawing import opencv as cv2
from ..stream import FrameStream
from ..window import windows

RADIUS = 3
LONGEST_SIDE = 1024  # pixels that flow is looked for in: a half of 1080p, a quarter of UHD
SHORTEST_SIDE = 32  # DIS compares patches of eight pixels on several scales
ASTRAY = 1.0  # small pixels between a way there and back at which little of a neighbour is left
DIFFERENT = 12 / 255  # of colour, likewise: more than upscalers flicker by, less than an edge
PATCH = 5  # small pixels over which colour is compared, so that flicker alone shuts nobody out
ROWS = 256  # of the frame that are blended at a time
LARGEST_CHANGE = 0.1  # by any neighbour; what is further off is another thing, or a cut


@dataclass(frozen=True, eq=False)
class _Seen:
    pixels: np.ndarray  # (H, W, C) float32
    small: np.ndarray  # (h, w, 3) float32
    luma: np.ndarray  # (h, w) uint8


def flow_blended(before: FrameStream, start: int, strength: float) -> Iterator[Tensor]:
    """The frames from number `start` on, each the mean of itself and of its neighbours moved onto
    it by optical flow (DIS, Kroeger et al. 2016).

    A neighbour counts `strength` (0..1) where the flow leads back to where it came from and both
    show the same colour there, and not at all where not. Runs on the CPU; the frames
    come back to their device.
    """
    for window in windows(before, start, RADIUS, _see):
        blended = _blended(window.around, window.centre, strength)
        yield blended.to(window.frame)
        del window  # or its oldest frame would stay until the next one is there


def _see(frame: Tensor) -> _Seen:
    pixels = frame.detach().float().cpu().contiguous().numpy()
    height, width = pixels.shape[:2]
    factor = 1
    while max(height, width) > factor * LONGEST_SIDE:
        factor *= 2
    size = (max(SHORTEST_SIDE, width // factor), max(SHORTEST_SIDE, height // factor))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)[..., :3]
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return _Seen(pixels, small, np.clip(luma * 255 + 0.5, 0, 255).astype(np.uint8))


def _blended(around: tuple[_Seen, ...], centre: int, strength: float) -> Tensor:
    """(H, W, C); alpha is that of the centre."""
    here = around[centre]
    others = [seen for index, seen in enumerate(around) if index != centre]
    ways = [_way(here, there, strength) for there in others]
    blended = torch.empty(here.pixels.shape)
    for top in range(0, len(blended), ROWS):
        rows = range(top, min(top + ROWS, len(blended)))
        blended[top : rows.stop] = _blended_rows(rows, here, others, ways)
    return blended


def _blended_rows(rows: range, here: _Seen, others: list[_Seen], ways: list[np.ndarray]) -> Tensor:
    height, width = here.pixels.shape[:2]
    ratio = np.float32([width / here.luma.shape[1], height / here.luma.shape[0]])
    places = _places(range(width), rows)
    small_places = (places + 0.5) / ratio - 0.5
    frame = torch.from_numpy(here.pixels[rows.start : rows.stop])
    total, weights = torch.zeros_like(frame), torch.ones(len(rows), width, 1)
    for there, small_way in zip(others, ways, strict=True):
        way = _looked_up(small_way, small_places)
        target = places + way[..., :2] * ratio
        moved = torch.from_numpy(_looked_up(there.pixels, target, cv2.INTER_CUBIC))
        weight = torch.from_numpy(way[..., 2:])
        if moved.shape[-1] == 4:
            weight = weight * moved[..., 3:].clamp(0, 1)  # what is transparent has no colour
        change = moved.sub_(frame).clamp_(-LARGEST_CHANGE, LARGEST_CHANGE)
        total.addcmul_(change, weight)
        weights += weight
    blended = total.div_(weights).add_(frame).clamp_(0, 1)
    blended[..., 3:] = frame[..., 3:]
    return blended


def _way(here: _Seen, there: _Seen, strength: float) -> np.ndarray:
    """(h, w, 3): how far away small pixels are in another frame, x and y, and what it counts."""
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow, back = dis.calc(here.luma, there.luma, None), dis.calc(there.luma, here.luma, None)
    height, width = here.luma.shape
    target = flow + _places(range(width), range(height))
    astray = np.square(flow + _looked_up(back, target)).sum(-1)
    apart = cv2.blur(here.small - _looked_up(there.small, target), (PATCH, PATCH))
    different = np.square(apart).mean(-1)
    weight = strength * np.exp(-astray / ASTRAY**2 - different / DIFFERENT**2)
    return np.concatenate([flow, weight[..., None]], axis=-1, dtype=np.float32)


def _places(columns: range, rows: range) -> np.ndarray:
    """(rows, columns, 2): where every pixel is."""
    return np.stack(np.meshgrid(columns, rows), -1).astype(np.float32)


def _looked_up(x: np.ndarray, places: np.ndarray, how: int | None = None) -> np.ndarray:
    """`how`: one of OpenCV's interpolations; None is linear."""
    how = cv2.INTER_LINEAR if how is None else how
    return cv2.remap(x, places, None, how, borderMode=cv2.BORDER_REPLICATE)
