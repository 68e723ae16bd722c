"""A training's loss, drawn: every step, what the steps tend to, and the clips held out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .axes import round_ticks, spread
from .canvas import GRID, PALE, Canvas, Colour, Point

Losses = Sequence[tuple[int, float]]

WIDTH, HEIGHT = 1200, 540
LEFT, RIGHT, TOP, BOTTOM = 84.0, 1010.0, 74.0, 476.0  # the names of the curves stand at the right
STEPS: Colour = (188, 208, 222)
TRAINING: Colour = (0, 114, 178)  # Okabe and Ito's colours, for colour-blind readers
VALIDATION: Colour = (213, 94, 0)
COLOURS = {"training": TRAINING, "validation": VALIDATION}
LABEL = 18.0  # pixels from one label to the next
BANDWIDTH = 0.025  # of the smoothing, as a share of the training
OUTLIERS = 2.0  # percent of the steps that may leave the picture at either end
LOG_FROM = 12.0  # highest loss over lowest from which the axis is logarithmic
SHOWN = 1500  # steps drawn one by one


def plot_losses(training: Losses, validation: Losses, title: str) -> np.ndarray:
    """uint8 (540, 1200, 3) RGB: (step, loss) of steps and of validations, in any number.

    The thin line is every step, the strong one their Gaussian-weighted mean, because the loss of a
    step depends mostly on the noise level it drew. Values that are not finite are left out, and
    the rarest of the steps may lie outside the picture.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(title, (LEFT, 24), size=10)
    steps, checks = _finite(training), _finite(validation)
    if not len(steps) + len(checks):
        canvas.text("No step has been made yet.", ((LEFT + RIGHT) / 2, HEIGHT / 2), PALE, 10, 0.5)
        return canvas.finished()
    tendency = _smoothed(steps)
    scale = _scale_of(steps, tendency, checks)
    _draw_axes(canvas, scale)
    shown = steps[:: math.ceil(len(steps) / SHOWN)] if len(steps) else steps
    canvas.line([scale.place(*point) for point in shown], STEPS, 0.7)
    canvas.line([scale.place(*point) for point in tendency], TRAINING, 2.5)
    if len(tendency) == 1:
        canvas.dot(scale.place(*tendency[0]), 3.6, TRAINING)
    canvas.line([scale.place(*point) for point in checks], VALIDATION, 1.3)
    for point in checks if len(checks) <= 80 else checks[-1:]:
        canvas.dot(scale.place(*point), 3.6, VALIDATION)
    _draw_labels(canvas, scale, {"training": tendency, "validation": checks})
    return canvas.finished()


@dataclass(frozen=True)
class Scale:
    """Where a step and a loss lie in the picture; `ticks` are of the loss."""

    last_step: int
    ticks: Sequence[float]
    logarithmic: bool

    def place(self, step: float, loss: float) -> Point:
        """Losses outside the ticks lie on the edge."""
        low, high = self.ticks[0], self.ticks[-1]
        change: Callable[[float], float] = math.log if self.logarithmic else float
        loss = min(max(loss, low), high)
        share = (change(loss) - change(low)) / (change(high) - change(low))
        x = LEFT + step / max(1, self.last_step) * (RIGHT - LEFT)
        return x, BOTTOM - share * (BOTTOM - TOP)


def _finite(losses: Losses) -> np.ndarray:
    """(N, 2) float64 of steps and losses, by step."""
    points = np.array(sorted(losses), dtype=np.float64).reshape(-1, 2)
    return points[np.isfinite(points[:, 1])]


def _smoothed(points: np.ndarray) -> np.ndarray:
    """The Gaussian-weighted mean about every point, of those that there are near the ends."""
    if len(points) < 3:
        return points
    width = max(1.0, BANDWIDTH * len(points))
    reach = min(math.ceil(3 * width), (len(points) - 1) // 2)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    weights = np.convolve(np.ones(len(points)), kernel, "same")
    means = np.convolve(points[:, 1], kernel, "same") / weights
    return np.stack([points[:, 0], means], axis=1)


def _scale_of(steps: np.ndarray, tendency: np.ndarray, checks: np.ndarray) -> Scale:
    last = int(max(points[-1, 0] for points in (steps, checks) if len(points)))
    usual = np.percentile(steps[:, 1], [OUTLIERS, 100 - OUTLIERS]) if len(steps) else []
    losses = np.concatenate([usual, tendency[:1, 1], tendency[-1:, 1], checks[:, 1]])
    low, high = float(losses.min()), float(losses.max())
    if low > 0 and high / low >= LOG_FROM:
        return Scale(last, _log_ticks(low, high), True)
    return Scale(last, round_ticks(low, high, max(abs(high), 1e-6) * 0.05), False)


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten from below `low` to above `high`; over decades, the powers."""
    mantissas = (1, 2, 5) if high / low < 500 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [mantissa * 10.0**power for power in powers for mantissa in mantissas]
    first = max(index for index, tick in enumerate(every) if tick <= low)
    last = min(index for index, tick in enumerate(every) if tick >= high)
    return every[first : last + 1]


def _draw_axes(canvas: Canvas, scale: Scale) -> None:
    canvas.text("loss", (LEFT, TOP - 16), PALE, 8)
    for tick in scale.ticks:
        canvas.line([scale.place(0, tick), scale.place(scale.last_step or 1, tick)], GRID)
        canvas.text(f"{tick:.6g}", (LEFT - 10, scale.place(0, tick)[1]), PALE, 8, 1.0)
    for tick in round_ticks(0, scale.last_step, 4.0):
        if tick <= scale.last_step:
            x, y = scale.place(tick, scale.ticks[0])
            canvas.line([(x, y), (x, y + 4)], PALE)
            canvas.text(f"{tick:.6g}", (x, y + 15), PALE, 8, 0.5)
    canvas.text("step", ((LEFT + RIGHT) / 2, BOTTOM + 38), PALE, 8, 0.5)


def _draw_labels(canvas: Canvas, scale: Scale, curves: dict[str, np.ndarray]) -> None:
    """Names and last values, beside the ends of the curves."""
    drawn = {name: points[-1] for name, points in curves.items() if len(points)}
    ends = {name: scale.place(*point)[1] for name, point in drawn.items()}
    for name, y in spread(ends, LABEL).items():
        canvas.text(f"{name} {drawn[name][1]:.4g}", (RIGHT + 14, y), COLOURS[name], 9)
