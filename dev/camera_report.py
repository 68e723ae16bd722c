"""What the clips of the camera bench say: a table with targets, and plots for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from camera_clips import HOLD, MAIN_CHANNEL, MOVES
from finding import Finding

SIGN, STRAIGHTNESS, HELD, OBJECTS, LOOPED = 0.98, 0.95, 0.10, 0.50, 1.0
NO_OBJECTS = 2.0  # residual below this many times a held photograph's is grain, not motion


def findings(rows: Sequence[dict]) -> list[Finding]:
    found = []
    for method in ("clock", "refine", "warp", "plain warp"):
        found += _obedience(rows, method)
    return [*found, *_hold(rows), *_loop(rows), *_freedom(rows)]


def channel_of(move: str) -> str:
    return MAIN_CHANNEL[move.split()[0]]


def _obedience(rows: Sequence[dict], method: str) -> list[Finding]:
    moved = [r for r in rows if r["method"] == method and r["move"] != HOLD]
    target = method == "clock"
    found = []
    for move in (m for m in MOVES if m != HOLD):
        mine = [r for r in moved if r["move"] == move]
        channel = channel_of(move)
        right = [r[channel] * r[f"commanded_{channel}"] > 0 for r in mine]
        found.append(_sign(f"{method}: sign of {move}", right, target))
    signs = [r[channel_of(r["move"])] * r[f"commanded_{channel_of(r['move'])}"] > 0 for r in moved]
    found.append(_sign(f"{method}: sign of all seven moves", signs, target))
    for channel in MAIN_CHANNEL.values():
        mine = [r for r in moved if channel_of(r["move"]) == channel]
        x = np.array([r[f"commanded_{channel}"] for r in mine])
        y = np.array([r[channel] for r in mine])
        slope, r2 = line_through(x, y)
        limit = STRAIGHTNESS if target else None
        found.append(
            Finding(f"{method}: R2 of {channel} against the command", r2, limit, True, len(x))
        )
        found.append(Finding(f"{method}: slope of {channel}", slope, None, True, len(x)))
    return found


def _sign(what: str, right: Sequence[bool], target: bool) -> Finding:
    return Finding(what, float(np.mean(right)), SIGN if target else None, True, len(right))


def line_through(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope of the line through the origin (no command, no move) and R2 of `y` against it."""
    slope = float((x * y).sum() / (x * x).sum())
    return slope, float(1 - ((y - slope * x) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def _hold(rows: Sequence[dict]) -> list[Finding]:
    free = {(r["photo"], r["seed"]): r for r in rows if r["method"] == "unguided"}
    held = [r for r in rows if r["method"] == "clock" and r["move"] == HOLD]
    pairs = [(h, free[h["photo"], h["seed"]]) for h in held]
    speed = sum(h["global_speed"] for h, _ in pairs) / sum(f["global_speed"] for _, f in pairs)
    floor = NO_OBJECTS * np.median([r["residual"] for r in rows if r["method"] == "plain warp"])
    lively = [(h, f) for h, f in pairs if f["residual"] > floor]
    found = [Finding("hold: global motion of the unguided clip's", speed, HELD, False, len(pairs))]
    if lively:
        kept = np.mean([h["residual"] / f["residual"] for h, f in lively])
        found.append(
            Finding("hold: object motion kept where there is any", kept, OBJECTS, True, len(lively))
        )
    return found


def _loop(rows: Sequence[dict]) -> list[Finding]:
    found = []
    for method in ("loop", "unguided"):
        mine = [r for r in rows if r["method"] == method]
        ratio = float(np.mean([r["loop_error"] / r["neighbour_error"] for r in mine]))
        limit = LOOPED if method == "loop" else None
        found.append(
            Finding(f"{method}: last to first over neighbours", ratio, limit, False, len(mine))
        )
    return found


def _freedom(rows: Sequence[dict]) -> list[Finding]:
    """What the model does to the plain warp: detail and flicker beside it."""
    found = []
    for method in ("clock", "plain warp", "unguided"):
        mine = [r for r in rows if r["method"] == method]
        for name in ("sharpness", "flicker", "residual"):
            value = float(np.mean([r[name] for r in mine]))
            found.append(Finding(f"{method}: {name}", value, None, True, len(mine)))
    return found


def plot(rows: Sequence[dict], file: Path) -> None:
    """Measured against commanded, a panel a move; the dashed line is obedience."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = {
        "shift_x": "pan: shift in frame widths",
        "shift_y": "tilt: shift in frame widths",
        "log_zoom": "zoom: log of the factor",
        "roll": "roll: degrees",
    }
    figure, axes = pyplot.subplots(1, 4, figsize=(14, 3.6), layout="constrained")
    colours = {"plain warp": "#b8b8b8", "warp": "#d98e04", "refine": "#3b6fb6", "clock": "#2a7f62"}
    for axis, (channel, name) in zip(axes, names.items(), strict=True):
        for method, colour in colours.items():
            mine = [
                r
                for r in rows
                if r["method"] == method and r["move"] != HOLD and channel_of(r["move"]) == channel
            ]
            x, y = [r[f"commanded_{channel}"] for r in mine], [r[channel] for r in mine]
            axis.scatter(x, y, s=9, color=colour, label=method, alpha=0.7, linewidths=0)
        limit = max(abs(v) for v in axis.get_xlim()) * 1.05
        axis.plot([-limit, limit], [-limit, limit], "--", color="#c0392b", linewidth=1)
        axis.set_xlim(-limit, limit)
        axis.set_ylim(-limit * 1.3, limit * 1.3)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("commanded")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("measured")
    axes[-1].legend(fontsize=8, frameon=False, loc="upper left")
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
