"""Photographs moved by a virtual camera, with the optical flow known exactly."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .cutouts import CutOut, sample_cutouts
from .pictures import Picture

KINDS = {"pan": 0.36, "zoom": 0.24, "roll": 0.17, "mix": 0.18, "static": 0.05}
LONGEST_ZOOM = 0.55  # natural logarithm of the factor over a whole clip
LARGEST_ROLL = 0.35  # radians
FLOW_GRID = 8  # the mean flow is taken on every eighth pixel


@dataclass(frozen=True)
class Move:
    """What the camera's window does over a clip, in frame widths, radians and log zoom.

    `travel` (x to the right, y down) moves the window over the picture, so things in the frame
    go the other way; a positive `log_zoom` moves in. `easing` is one of linear, smooth, in, out.
    """

    travel: tuple[float, float] = (0.0, 0.0)
    log_zoom: float = 0.0
    roll: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    easing: str = "linear"


@dataclass(frozen=True)
class Clip:
    """`frames` uint8 (T, H, W, 3), and what moved in them."""

    frames: np.ndarray
    to_source: tuple[np.ndarray, ...]  # one homography a frame: output pixel -> picture pixel
    cutouts: tuple[CutOut, ...]
    cover: np.ndarray  # (T, h, w) on the flow grid: 0 the picture, k the k-th cut-out

    def mean_flow(self, start: int, end: int) -> float:
        """Mean length, in frame widths, of the motion from frame `start` to frame `end`."""
        height, width = self.frames.shape[1:3]
        ys, xs = np.mgrid[0:height:FLOW_GRID, 0:width:FLOW_GRID] + (FLOW_GRID - 1) / 2
        points = np.stack([xs.ravel(), ys.ravel(), np.ones(xs.size)])
        moved = np.linalg.inv(self.to_source[end]) @ self.to_source[start] @ points
        lengths = np.hypot(*(moved[:2] / moved[2] - points[:2]))
        span = abs(end - start) / (len(self.frames) - 1)
        for number, cutout in enumerate(self.cutouts, 1):
            lengths[self.cover[start].ravel() == number] = math.hypot(*cutout.travel) * span
        return float(lengths.mean()) / width


def default_move(rng: random.Random, ticks: int, largest_speed: float) -> Move:
    """The one move that svd-mini makes unasked: a steady pan to the right."""
    speed = rng.uniform(0.05, 1.0) * largest_speed
    return Move(travel=(speed * (ticks - 1), 0.0))


def sample_move(rng: random.Random, ticks: int, largest_speed: float) -> Move:
    """Any move; `largest_speed` in frame widths per tick, at the edge of the frame."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    reach = rng.uniform(0.1, 1.0) * largest_speed * (ticks - 1)
    easing = rng.choices(["linear", "smooth", "in", "out"], [0.55, 0.15, 0.15, 0.15])[0]
    angle, sign = rng.uniform(0, 2 * math.pi), rng.choice([-1, 1])
    turn = reach / 0.32  # a point half-way to the corner moves `reach` for this turn or log zoom
    if kind == "static":
        return Move()
    if kind == "pan":
        return Move(travel=(reach * math.cos(angle), 0.7 * reach * math.sin(angle)), easing=easing)
    if kind == "zoom":
        return Move(log_zoom=sign * min(LONGEST_ZOOM, turn), easing=easing)
    if kind == "roll":
        return Move(roll=sign * min(LARGEST_ROLL, turn), easing=easing)
    share = rng.uniform(0.3, 1.0)
    return Move(
        travel=(share * reach * math.cos(angle), 0.7 * share * reach * math.sin(angle)),
        log_zoom=sign * min(LONGEST_ZOOM, turn * rng.uniform(0.2, 0.8)),
        roll=rng.choice([-1, 0, 0, 1]) * min(LARGEST_ROLL, 0.4 * turn),
        tilt=(rng.uniform(-0.15, 0.15), rng.uniform(-0.1, 0.1)) if rng.random() < 0.4 else (0, 0),
        easing=easing,
    )


def render_clip(
    pictures: Sequence[Picture],
    move: Move,
    size: tuple[int, int],
    frames: int,
    rng: random.Random,
    cutout_chance: float = 0.0,
) -> Clip:
    """Move the camera over one of `pictures`; `size` is (width, height) of the frames.

    With `cutout_chance`, one or two soft-edged parts of other pictures cross the frame.
    """
    width, height = size
    source = _prepare(rng.choice(pictures).pixels, move, size, rng)
    to_source = _homographies(source, move, size, frames, rng)
    cutouts = sample_cutouts(pictures, size, rng) if rng.random() < cutout_chance else ()
    images = np.empty((frames, height, width, 3), np.uint8)
    grid = (math.ceil(height / FLOW_GRID), math.ceil(width / FLOW_GRID))
    cover = np.zeros((frames, *grid), np.uint8)
    for index, homography in enumerate(to_source):
        image = cv2.warpPerspective(
            source,
            homography,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        for number, cutout in enumerate(cutouts, 1):
            image, alpha = cutout.paste(image, index / (frames - 1))
            cover[index][alpha[::FLOW_GRID, ::FLOW_GRID] > 0.5] = number
        images[index] = np.clip(image + 0.5, 0, 255)
    return Clip(images, tuple(to_source), cutouts, cover)


def _prepare(
    pixels: np.ndarray, move: Move, size: tuple[int, int], rng: random.Random
) -> np.ndarray:
    """Mirror and re-light at random, and scale so that the window has room for its travel."""
    width, height = size
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    room_x = width * (1 + min(0.25, abs(move.travel[0]))) + 8
    room_y = height + min(0.15, abs(move.travel[1])) * width + 8
    smallest = max(room_x / pixels.shape[1], room_y / pixels.shape[0])
    scale = max(smallest, min(1.0, smallest * rng.uniform(1.0, 1.5)))
    shape = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    source = cv2.resize(pixels, shape, interpolation=how).astype(np.float32)
    if rng.random() < 0.3:
        source = np.clip(source * rng.uniform(0.75, 1.2) + rng.uniform(-20, 20), 0, 255)
    return source


def _homographies(
    source: np.ndarray, move: Move, size: tuple[int, int], frames: int, rng: random.Random
) -> list[np.ndarray]:
    width, height = size
    half_x, half_y = (
        (1 + abs(move.travel[0])) * width / 2,
        height / 2 + abs(move.travel[1]) * width / 2,
    )
    centre_x = _between(half_x, source.shape[1] - half_x, rng)
    centre_y = _between(half_y, source.shape[0] - half_y, rng)
    matrices = []
    for index in range(frames):
        u = ease(index / (frames - 1), move.easing) - 0.5
        # Never wider than the picture: the widest moment of a zoom has factor 1.
        zoom = math.exp(-move.log_zoom * u - abs(move.log_zoom) / 2)
        cos, sin = zoom * math.cos(move.roll * u), zoom * math.sin(move.roll * u)
        tilt_x, tilt_y = move.tilt[0] * u / width, move.tilt[1] * u / height
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [tilt_x, tilt_y, 1]])
        to_centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
        x, y = centre_x + move.travel[0] * width * u, centre_y + move.travel[1] * width * u
        matrices.append(np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]) @ turn @ to_centre)
    return matrices


def _between(low: float, high: float, rng: random.Random) -> float:
    return rng.uniform(low, high) if low < high else (low + high) / 2


def ease(t: float, easing: str) -> float:
    """Progress 0..1 at time 0..1."""
    return {
        "linear": t,
        "smooth": t * t * (3 - 2 * t),
        "in": 0.5 * t + 0.5 * t * t,
        "out": 0.5 * t + 0.5 * (1 - (1 - t) ** 2),
    }[easing]
