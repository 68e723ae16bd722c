"""What the pack adds to ComfyUI's start: servers in turn, with the pack and with an empty one."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
from bench_report import Row, print_table
from comfyui import BASE_FOLDERS, find, make_base
from serve import Server, ServerError, answers, free_port, start, start_command, stop

PAIRS = 7
POLL_SECONDS = 0.01
MOST_SECONDS = 900.0  # the first one compiles everything
EMPTY_PACK = """
from comfy_api.latest import ComfyExtension


class Empty(ComfyExtension):
    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return Empty()
"""


class Start(NamedTuple):
    """Until the server answers, in seconds."""

    wall: float
    processor: float


def measure(pairs: int = PAIRS) -> Iterator[Row]:
    """Median differences of `pairs` starts each, and one of a first start, without bytecode.

    Bytecode is in a folder of its own: every start but the first after an update finds it, as a
    user's does. On a machine that is busy the processor's time is the steadier one.
    """
    comfyui = find(None)
    with tempfile.TemporaryDirectory() as folder:
        empty, ours = make_bases(Path(folder))
        bytecode = Path(folder) / "bytecode"

        def started(base: Path) -> Start:
            return time_start(comfyui, base, bytecode)

        started(empty)  # compiles ComfyUI and all that it imports
        first = started(ours)
        both = [interleaved(started, empty, ours, swap=pair % 2 == 1) for pair in range(pairs)]
    yield from rows_of(both, first)


def rows_of(both: list[tuple[Start, Start]], first: Start) -> Iterator[Row]:
    """`both`: a start without and one with the pack, one after the other."""
    without = statistics.median(empty.wall for empty, _ in both)
    added = statistics.median(ours.wall - empty.wall for empty, ours in both)
    processor = statistics.median(ours.processor - empty.processor for empty, ours in both)
    yield Row("start of ComfyUI: an empty pack, with ours", "s", without, without + added)
    yield Row("added to ComfyUI's start", "s", None, added, 0.3)
    yield Row("added to ComfyUI's start, processor", "s", None, processor)
    usual = statistics.median(empty.processor for empty, _ in both)
    compiled = first.processor - usual  # a single start: on the wall it would be chance
    yield Row("added to the first start after an update, processor", "s", None, compiled)


def interleaved(
    started: Callable[[Path], Start], empty: Path, ours: Path, swap: bool
) -> tuple[Start, Start]:
    if swap:
        second = started(ours)
        return started(empty), second
    return started(empty), started(ours)


def make_bases(folder: Path) -> tuple[Path, Path]:
    """Two --base-directories: one with a pack that has no nodes, and one with ours."""
    empty = folder / "empty" / "base"
    for name in BASE_FOLDERS:
        (empty / name).mkdir(parents=True)
    pack = empty / "custom_nodes" / "empty"
    pack.mkdir()
    (pack / "__init__.py").write_text(EMPTY_PACK, encoding="utf-8")
    return empty, make_base(folder / "ours")


def time_start(comfyui: Path, base: Path, bytecode: Path) -> Start:
    python, *rest = start_command(comfyui, base, free_port())
    # Without Python's variables, of which one may forbid bytecode.
    command = [python, "-E", "-X", f"pycache_prefix={bytecode}", *rest]
    begin = time.monotonic()
    with started_server(command, base) as server:
        process = psutil.Process(server.process.pid)
        while not answers(f"{server.url}/system_stats"):
            server.check_alive()
            if time.monotonic() - begin > MOST_SECONDS:
                raise ServerError(f"ComfyUI did not answer within {MOST_SECONDS:.0f} s.")
            time.sleep(POLL_SECONDS)
        times = process.cpu_times()
        return Start(time.monotonic() - begin, times.user + times.system)


@contextmanager
def started_server(command: list[str], base: Path) -> Iterator[Server]:
    port = command[command.index("--port") + 1]
    log = base / "comfyui.log"
    with log.open("wb") as output:
        process = start(command, output)
        try:
            yield Server(f"http://127.0.0.1:{port}", process, log)
        finally:
            stop(process)


if __name__ == "__main__":
    print_table(measure())
