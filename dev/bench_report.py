"""A bench's rows as a table in the terminal, as JSON, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

WIDTHS = (58, 10, 10, 10, 4)


@dataclass(frozen=True)
class Row:
    """One measurement; `target` is the most that `ours` may be."""

    what: str
    unit: str
    core: float | None
    ours: float
    target: float | None = None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "met" if self.ours <= self.target else "MISSED"


def print_table(rows: Iterable[Row], header: bool = True) -> None:
    if header:
        print_line("", "ComfyUI", "SVD Studio", "target", "unit")
    for row in rows:
        numbers = [written(value) for value in (row.core, row.ours, row.target)]
        print_line(row.what, *numbers, row.unit, row.verdict)


def print_line(what: str, *cells: str) -> None:
    padded = [cell.rjust(width) for cell, width in zip(cells, WIDTHS[1:], strict=False)]
    print(what.ljust(WIDTHS[0]), *padded, *cells[len(WIDTHS) - 1 :], flush=True)


def written(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:.2f}"


def save(rows: Sequence[Row], path: Path) -> list[Path]:
    """Write `path`.json and, where memory was measured, `path`.png; returns the files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = path.with_suffix(".json")
    facts = [asdict(row) | {"verdict": row.verdict} for row in rows]
    table.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    measured = [row for row in rows if row.unit == "GiB"]
    if not measured:
        return [table]
    picture = path.with_suffix(".png")
    plot(measured, picture)
    return [table, picture]


def plot(rows: Sequence[Row], file: Path) -> None:
    """Bars of core's memory and ours, a mark at every target."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 0.6 + 0.55 * len(rows)), layout="constrained")
    for place, row in enumerate(rows):
        if row.core is not None:
            axes.barh(place - 0.18, row.core, 0.34, color="#b8b8b8")
            axes.text(row.core, place - 0.18, f" {written(row.core)}", va="center", fontsize=8)
        axes.barh(place + 0.18, row.ours, 0.34, color="#2a7f62")
        beside = max(row.ours, row.target or 0)
        axes.text(beside, place + 0.18, f" {written(row.ours)}", va="center", fontsize=8)
        if row.target is not None:
            axes.plot([row.target] * 2, [place, place + 0.36], color="#c0392b", linewidth=2)
    axes.set_yticks(range(len(rows)), [row.what for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")  # from a chunk to a hundred frames
    axes.set_xlim(left=0.1)
    axes.set_xlabel("GiB of activations: ComfyUI grey, SVD Studio green, target red")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
