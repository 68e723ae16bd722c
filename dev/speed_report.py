"""What the films of the speed bench say: a table, the targets, and the curve for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from finding import Finding
from speed_full_size import Seconds

MEASURES = ("evaluations", "equal_to", "seconds", "rmse", "psnr", "flow", "flicker", "camera")
STANDARD, FAST, DRAFT, FINAL = "standard", "fast", "draft", "final"
CORE = {25: "ComfyUI 25", 20: "ComfyUI 20"}
COUNTS, DISTANCES = (4, 5, 7, 10, 14, 20, 30, 40, 50, 60), (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3)
PRESET_COLOUR, CORE_COLOUR, OTHER_COLOUR = "#2a7f62", "#c0392b", "#b8b8b8"


def by_setting(films: Sequence[dict]) -> dict[str, dict[str, float]]:
    """The means of every measure over the photographs, by the setting's name."""
    names = dict.fromkeys(film["name"] for film in films)
    return {
        name: {
            measure: float(np.mean([film[measure] for film in films if film["name"] == name]))
            for measure in MEASURES
        }
        for name in names
    }


def table(films: Sequence[dict]) -> list[str]:
    """A line a setting."""
    head = f"{'':34}" + "".join(f"{measure:>12}" for measure in MEASURES)
    return [
        head,
        *(
            f"{name:34}" + "".join(f"{means[measure]:12.4g}" for measure in MEASURES)
            for name, means in by_setting(films).items()
        ),
    ]


def film_findings(films: Sequence[dict]) -> list[Finding]:
    means = by_setting(films)
    count = len(films) // len(means)
    found = []
    for preset, core, most in ((STANDARD, CORE[25], 14), (FAST, CORE[20], 10)):
        limit = means[core]["rmse"]
        what = f"{preset}: distance to 200 steps, {core}'s at most"
        found.append(Finding(what, means[preset]["rmse"], limit, False, count))
        found.append(Finding(f"{preset}: evaluations", _most(films, preset), most, False, count))
        nearer = np.mean(_of(films, preset) <= _of(films, core))
        found.append(Finding(f"{preset}: photographs nearer than {core}", nearer, count=count))
    found.append(Finding("draft: evaluations", _most(films, DRAFT), 5, False, count))
    return found


def _most(films: Sequence[dict], name: str) -> float:
    return max(film["evaluations"] for film in films if film["name"] == name)


def _of(films: Sequence[dict], name: str) -> np.ndarray:
    mine = sorted((f["photo"], f["rmse"]) for f in films if f["name"] == name)
    return np.array([rmse for _, rmse in mine])


def move_findings(moves: Sequence[dict]) -> list[Finding]:
    """Whether the draft's camera goes the way of the final film's."""
    went = {(m["name"], m["photo"], m["move"]): m["went"] for m in moves}
    kept = [
        went[DRAFT, photo, move] * final > 0
        for (name, photo, move), final in went.items()
        if name == FINAL
    ]
    what = "draft: camera goes the way of final's"
    return [Finding(what, float(np.mean(kept)), 0.95, True, len(kept))]


def time_findings(seconds: Sequence[Seconds]) -> list[Finding]:
    """How many times as fast as core's 25 steps: the sampling, and the film from end to end."""
    core, *presets = seconds
    targets = {STANDARD: 4.0, FAST: 5.5}
    found = [Finding(f"{core.name}: seconds of a film", core.film, count=1)]
    for mine in presets:
        found.append(
            Finding(
                f"{mine.name}: times as fast, film",
                core.film / mine.film,
                targets.get(mine.name),
                count=1,
            )
        )
        ratio = core.sampling / mine.sampling
        found.append(Finding(f"{mine.name}: times as fast, sampling", ratio, count=1))
    return found


def plot(films: Sequence[dict], presets: Sequence[str], file: Path) -> None:
    """Distance against what was evaluated; down and to the left is better."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(13, 5.2), layout="constrained", sharey=True)
    means = by_setting(films)
    for axis, measure, title in (
        (axes[0], "evaluations", "evaluations of the network"),
        (axes[1], "equal_to", "their cost, in whole evaluations"),
    ):
        for name, values in means.items():
            colour, size, label = _mark(name, presets)
            axis.scatter(values[measure], values["rmse"], s=size, color=colour, zorder=2)
            axis.annotate(
                label, (values[measure], values["rmse"]),
                (6, -9) if colour == OTHER_COLOUR else (5, 5), textcoords="offset points",
                fontsize=9 if colour != OTHER_COLOUR else 6.5, color=colour,
            )  # fmt: skip
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xticks(
            [4, 5, 7, 10, 14, 20, 30, 40, 50, 60], [4, 5, 7, 10, 14, 20, 30, 40, 50, 60]
        )
        axis.set_yticks(DISTANCES, DISTANCES)
        axis.minorticks_off()
        axis.set_xlabel(title)
        axis.grid(color="#e6e6e6", zorder=0)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("distance to the film of 200 steps (RMSE of latents)")
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _mark(name: str, presets: Sequence[str]) -> tuple[str, int, str]:
    if name in presets:
        return PRESET_COLOUR, 60, name
    if name.startswith("ComfyUI"):
        return CORE_COLOUR, 45, name
    return OTHER_COLOUR, 16, name
