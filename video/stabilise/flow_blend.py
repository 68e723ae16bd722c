"""Stabilising without weights: every pixel averaged along its way through a few frames.

The window is fixed and nothing is carried on from frame to frame, so errors do not add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ..stream import FrameStream
from ..window import windows

RADIUS = 3
LONGEST_SIDE = 1024  # pixels that flow is looked for in: a half of 1080p, a quarter of UHD
SHORTEST_SIDE = 32  # DIS compares patches of eight pixels on several scales
ASTRAY = 1.0  # small pixels between a way there and back at which little of a neighbour is left
DIFFERENT = 12 / 255  # of luma, likewise: more than upscalers flicker by, less than an edge
PATCH = 5  # small pixels over which luma is compared, so that flicker alone shuts nobody out


@dataclass(frozen=True, eq=False)
class _Seen:
    pixels: np.ndarray  # (H, W, C) float32
    luma: np.ndarray  # (h, w) uint8, small


def flow_blended(before: FrameStream, start: int, strength: float) -> Iterator[Tensor]:
    """The frames from number `start` on, each the mean of itself and of its neighbours moved onto
    it by optical flow (DIS, Kroeger et al. 2016).

    A neighbour counts `strength` (0..1) where the flow leads back to where it came from and both
    show the same brightness there, and not at all where it does not. Runs on the CPU; the frames
    come back to their device.
    """
    for window in windows(before, start, RADIUS, _see):
        blended = _blended(window.around, window.centre, strength)
        yield blended.to(window.frame)
        del window  # or its oldest frame would stay until the next one is there


def _see(frame: Tensor) -> _Seen:
    pixels = frame.detach().float().cpu().contiguous().numpy()
    code = cv2.COLOR_RGBA2GRAY if pixels.shape[-1] == 4 else cv2.COLOR_RGB2GRAY
    luma = cv2.cvtColor(pixels, code)
    height, width = luma.shape
    factor = 1
    while max(height, width) > factor * LONGEST_SIDE:
        factor *= 2
    size = (max(SHORTEST_SIDE, width // factor), max(SHORTEST_SIDE, height // factor))
    if size != (width, height):
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    return _Seen(pixels, np.clip(luma * 255 + 0.5, 0, 255).astype(np.uint8))


def _blended(around: tuple[_Seen, ...], centre: int, strength: float) -> Tensor:
    """(H, W, C); alpha is that of the centre."""
    here = around[centre]
    height, width = here.pixels.shape[:2]
    places = _places(width, height)
    total = torch.from_numpy(here.pixels.copy())
    weights = torch.ones(height, width, 1)
    for there in (seen for index, seen in enumerate(around) if index != centre):
        flow, trust = _way(here.luma, there.luma)
        ratio = np.float32([width / flow.shape[1], height / flow.shape[0]])
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * ratio
        moved = torch.from_numpy(_looked_up(there.pixels, flow + places, cv2.INTER_CUBIC))
        weight = torch.from_numpy(cv2.resize(trust, (width, height)))[..., None] * strength
        if moved.shape[-1] == 4:
            weight = weight * moved[..., 3:].clamp(0, 1)  # what is transparent has no colour
        total.addcmul_(moved, weight)
        weights += weight
    total = total.div_(weights).clamp_(0, 1)
    total[..., 3:] = torch.from_numpy(here.pixels[..., 3:])
    return total


def _way(here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of one luma are in another (h, w, 2), and how far to trust it (h, w)."""
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow, back = dis.calc(here, there, None), dis.calc(there, here, None)
    target = flow + _places(*here.shape[::-1])
    astray = np.linalg.norm(flow + _looked_up(back, target), axis=-1)
    moved = _looked_up(there.astype(np.float32), target)
    different = cv2.blur(here.astype(np.float32), (PATCH, PATCH)) - cv2.blur(moved, (PATCH, PATCH))
    return flow, np.exp(-((astray / ASTRAY) ** 2) - (different / 255 / DIFFERENT) ** 2)


def _places(width: int, height: int) -> np.ndarray:
    """(height, width, 2): where every pixel is."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def _looked_up(x: np.ndarray, places: np.ndarray, how: int = cv2.INTER_LINEAR) -> np.ndarray:
    return cv2.remap(x, places, None, how, borderMode=cv2.BORDER_REPLICATE)
