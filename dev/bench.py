"""Measure the pack: its memory beside ComfyUI's own nodes, or how well a camera is obeyed.

    python3 studio.py bench memory [--quick] [--out DIR]
    python3 studio.py bench camera [--quick] [--out DIR] [--state DIR] [--processes N]
    python3 studio.py bench finish [--quick] [--out DIR]
    python3 studio.py bench lora [--quick] [--out DIR] [--state DIR]
    python3 studio.py bench speed [--quick] [--out DIR] [--state DIR] [--processes N]

memory prints what ComfyUI needs, what the pack needs and what it has promised to need; --quick
leaves out what computes: the full-size networks take 10 GB of memory and some ten minutes on two
cores. camera makes some thousand small clips with svd-mini, which takes the better part of an hour
on two cores and goes on where it was stopped; --quick makes a tenth of them. Its photographs are
those of train-mini, from the wheels in --state. finish takes clips to 4K as ComfyUI's nodes do, in
a plain loop, and as the pack does: half an hour on two cores, and 13 GB for ComfyUI's part; --quick
leaves out the large sizes. lora counts what LoRA files reach and what training takes, kills a run,
and trains two LoRAs on svd-mini, half an hour on two cores, which goes on where it was stopped;
--quick trains none. speed makes some five hundred films with svd-mini to see how far every setting
is from 200 steps, half an hour on two cores, which goes on where it was stopped, and then a film
with full-size networks in every preset and in ComfyUI's usual graph, another half hour; --quick
makes films of two photographs and leaves out the full size. Tables and pictures are written to DIR.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from comfy_runtime import start_core

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="studio.py bench", description=__doc__.splitlines()[0])
    parser.add_argument("bench", choices=BENCHES)
    parser.add_argument("--quick", action="store_true", help="only the cheapest part")
    parser.add_argument("--out", type=Path, default=Path("output"), metavar="DIR")
    parser.add_argument("--state", type=Path, default=ROOT / ".runtime" / "train-mini")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--weights", type=Path, help="another svd-mini (camera)")
    args = parser.parse_args()
    start_core(*([] if torch.cuda.is_available() and args.bench == "memory" else ["--cpu"]))
    return BENCHES[args.bench](args)


def bench_memory(args: argparse.Namespace) -> int:
    from bench_memory import measure

    return table(measure(args.quick), args.out / "bench_memory")


def bench_finish(args: argparse.Namespace) -> int:
    from bench_finish import measure

    return table(measure(args.quick), args.out / "bench_finish")


def bench_lora(args: argparse.Namespace) -> int:
    from bench_lora import measure

    return table(measure(args), args.out / "bench_lora")


def table(measured: Iterable, path: Path) -> int:
    """Print rows as they come, and write them as JSON and as a picture."""
    from bench_report import print_table, save

    rows = []
    for row in measured:
        rows.append(row)
        print_table([row], header=len(rows) == 1)
    for file in save(rows, path):
        print(f"wrote {file}")
    return 0


def bench_camera(args: argparse.Namespace) -> int:
    from bench_camera import Plan, measure, open_studio, sheet
    from camera_clips import Setting
    from camera_report import findings, plot
    from svd_studio.models.sources import MINI

    plan = Plan(args.out, args.state, args.weights or MINI, asdict(Setting()), args.quick)
    rows = measure(plan, args.processes)
    found = findings(rows)
    print(*(finding.line() for finding in found), sep="\n")
    table = args.out / "bench_camera.json"
    facts = [asdict(finding) | {"verdict": finding.verdict} for finding in found]
    table.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    plot(rows, args.out / "bench_camera.png")
    sheet(open_studio(plan), args.out / "bench_camera_moves.png")
    print(f"wrote {table} and two pictures beside it")
    return 0


def bench_speed(args: argparse.Namespace) -> int:
    from bench_speed import Plan, measure
    from speed_report import film_findings, move_findings, plot, time_findings
    from speed_report import table as lines
    from svd_studio.models.sources import MINI
    from svd_studio.sampling.quality import PRESETS

    plan = Plan(args.out, args.state, args.weights or MINI, args.quick)
    films, moves = measure(plan, args.processes)
    print(*lines(films), sep="\n")
    found = [*film_findings(films), *move_findings(moves)]
    plot(films, list(PRESETS), args.out / "bench_speed.png")
    if not args.quick:
        from speed_full_size import measure as full_size

        found += time_findings(list(full_size()))
    print(*(finding.line() for finding in found), sep="\n", flush=True)
    facts = [asdict(finding) | {"verdict": finding.verdict} for finding in found]
    file = args.out / "bench_speed.json"
    file.write_text(json.dumps({"films": films, "findings": facts}, indent=1) + "\n", "utf-8")
    print(f"wrote {file}")
    return table(_beside_the_films(args.quick), args.out / "bench_speed_rows")


def _beside_the_films(quick: bool) -> Iterator:
    """What the sampler costs beside the network, what the pack adds to a start, and kernels."""
    import bench_kernels
    import bench_overhead
    import bench_start

    yield from bench_overhead.measure()
    yield from bench_start.measure()
    yield from bench_kernels.measure(quick)


BENCHES = {
    "memory": bench_memory,
    "camera": bench_camera,
    "finish": bench_finish,
    "lora": bench_lora,
    "speed": bench_speed,
}


if __name__ == "__main__":
    raise SystemExit(main())
