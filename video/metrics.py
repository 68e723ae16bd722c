"""A clip in numbers: what its camera did, what moved besides, and how steady and sharp it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from ..drawing import opencv as cv2
from .alignment import image_grid, in_frame, transfer, warp_back
from .camera_motion import GlobalMotion, estimate_homographies, overall_motion
from .motion_metrics import optical_flow, psnr

CHANNELS = tuple(field.name for field in fields(GlobalMotion))
GRAIN = 3  # pixels of the median that keeps grain out of the object motion
STILL = {"shift_x": 0.002, "shift_y": 0.002, "log_zoom": 0.004, "roll": 0.2}


@dataclass(frozen=True)
class MotionReport:
    """Measures of frames uint8 (T, H, W, 3).

    `curve`: from the first frame to each. `global_speed` and `residual`: mean lengths, in frame
    widths from frame to frame, of the camera's flow and of what is left without it (what objects
    do, and grain). `flicker`: mean difference, 0..1, between a frame and the next one moved onto
    it by the camera's motion; `warp_error` the same by dense flow. `sharpness`: variance of each
    frame's Laplacian over the first's. `loop_error`: mean difference of last and first frame,
    0..1, and `neighbour_error` that of neighbours. `first_frame_psnr` in dB, when there is a
    picture to compare with.
    """

    curve: tuple[GlobalMotion, ...]
    global_speed: float
    residual: float
    flicker: float
    warp_error: float
    sharpness: tuple[float, ...]
    loop_error: float
    neighbour_error: float
    first_frame_psnr: float | None = None


@dataclass(frozen=True)
class ChannelScore:
    """One channel of the measured curve against the commanded one.

    `slope` and `r2` are those of measured = slope * commanded (None where the command is still);
    `rmse` in the channel's unit; `right_way`: the whole move has the command's sign or, where the
    command is still, stayed within what counts as still.
    """

    channel: str
    commanded: float
    measured: float
    slope: float | None
    r2: float | None
    rmse: float
    right_way: bool


def measure_clip(
    frames: np.ndarray, picture: np.ndarray | None = None, homographies: np.ndarray | None = None
) -> MotionReport:
    """Measure frames uint8 (T, H, W, 3); `picture` uint8 of their size, what the first should be.

    `homographies` (T, 3, 3) from the first frame, when they have been estimated already.
    Raises ValueError for fewer than two frames or a picture of another size.
    """
    if len(frames) < 2:
        raise ValueError(f"{len(frames)} frame given: motion is between two or more.")
    if picture is not None and picture.shape != frames.shape[1:]:
        raise ValueError(
            f"The picture is {picture.shape[1]}x{picture.shape[0]} and the film "
            f"{frames.shape[2]}x{frames.shape[1]}: resize it to the film's size."
        )
    height, width = frames.shape[1:3]
    # With perspective, or the edges of a wide pan would count as objects.
    found = estimate_homographies(frames, "homography") if homographies is None else homographies
    steps = [after @ np.linalg.inv(before) for before, after in pairwise(found)]
    beside = [_beside(a, b, step) for (a, b), step in zip(pairwise(frames), steps, strict=True)]
    residual, flicker, warp_error = np.mean(beside, axis=0)
    detail = [_laplacian_variance(frame) for frame in frames]
    return MotionReport(
        curve=tuple(overall_motion(homography, height / width) for homography in found),
        global_speed=float(np.mean([speed(step, (height, width)) for step in steps])),
        residual=float(residual),
        flicker=float(flicker),
        warp_error=float(warp_error),
        sharpness=tuple(value / max(detail[0], 1e-9) for value in detail),
        loop_error=_difference(frames[-1], frames[0]),
        neighbour_error=float(np.mean([_difference(a, b) for a, b in pairwise(frames)])),
        first_frame_psnr=None if picture is None else psnr(frames[0], picture),
    )


def speed(homography: np.ndarray, size: tuple[int, int]) -> float:
    """Mean length, in frame widths, of what `homography` does to points of a (height, width)."""
    points = image_grid(size[1], size[0], 32)
    return float(np.linalg.norm(transfer(homography, points) - points, axis=-1).mean())


def _beside(first: np.ndarray, second: np.ndarray, step: np.ndarray) -> tuple[float, float, float]:
    """Residual motion, flicker and warp error between two neighbours."""
    height, width = first.shape[:2]
    moved_back = warp_back(second, step)
    seen = in_frame(transfer(step, image_grid(width, height)), width, height)
    flow = optical_flow(*(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (first, moved_back)))
    calm = np.stack([cv2.medianBlur(np.ascontiguousarray(flow[..., i]), GRAIN) for i in (0, 1)], -1)
    residual = np.linalg.norm(calm, axis=-1)[seen].mean() / width
    flicker = np.abs(first.astype(np.float32) - moved_back)[seen].mean() / 255
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = xs + flow[..., 0], ys + flow[..., 1]
    warped = cv2.remap(moved_back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warp_error = np.abs(first.astype(np.float32) - warped)[seen].mean() / 255
    return float(residual), float(flicker), float(warp_error)


def _laplacian_variance(frame: np.ndarray) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.float32) - b).mean() / 255)


def compare_with_command(
    measured: Sequence[GlobalMotion], commanded: Sequence[GlobalMotion]
) -> tuple[ChannelScore, ...]:
    """How well the curve of a clip follows the one that was asked for, channel by channel."""
    if len(measured) != len(commanded):
        raise ValueError(
            f"{len(measured)} frames were measured and {len(commanded)} commanded: give the camera "
            "as many frames as the film has."
        )
    return tuple(
        _score(
            channel, *(np.array([getattr(m, channel) for m in c]) for c in (measured, commanded))
        )
        for channel in CHANNELS
    )


def _score(channel: str, y: np.ndarray, x: np.ndarray) -> ChannelScore:
    limit = STILL[channel]
    rmse = float(np.sqrt(((y - x) ** 2).mean()))
    if np.abs(x).max() <= limit:
        # What another channel's move does to this one is no disobedience.
        return ChannelScore(channel, x[-1], y[-1], None, None, rmse, bool(abs(y[-1]) <= 5 * limit))
    slope = float((x * y).sum() / (x * x).sum())
    spread = ((y - y.mean()) ** 2).sum()
    r2 = float(1 - ((y - slope * x) ** 2).sum() / max(spread, 1e-12))
    furthest = int(np.abs(x).argmax())  # a move that comes back has gone the right way too
    way = bool(x[furthest] * y[furthest] > 0)
    return ChannelScore(channel, float(x[-1]), float(y[-1]), slope, r2, rmse, way)
