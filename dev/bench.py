"""Measure the pack beside ComfyUI's own nodes, in one run.

    python3 studio.py bench memory [--quick] [--out DIR]

prints a table of what ComfyUI needs, what the pack needs and what it has promised to need, and
writes it to DIR as JSON and as a picture. --quick leaves out what computes: the full-size networks
take 10 GB of memory and some ten minutes on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from comfy_runtime import start_core

BENCHES = ("memory",)


def main() -> int:
    parser = argparse.ArgumentParser(prog="studio.py bench", description=__doc__.splitlines()[0])
    parser.add_argument("bench", choices=BENCHES)
    parser.add_argument("--quick", action="store_true", help="only what needs no arithmetic")
    parser.add_argument("--out", type=Path, default=Path("output"), metavar="DIR")
    args = parser.parse_args()
    start_core(*([] if torch.cuda.is_available() else ["--cpu"]))

    from bench_memory import measure
    from bench_report import print_table, save

    rows = []
    for row in measure(args.quick):
        rows.append(row)
        print_table([row], header=len(rows) == 1)
    for file in save(rows, args.out / f"bench_{args.bench}"):
        print(f"wrote {file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
