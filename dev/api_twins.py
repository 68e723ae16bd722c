"""Writes workflows/api/<name>.json, the API twin of every workflow that the pack brings.

The twins are for scripts and for tests: a node a line, with the meaning that the editor would
queue. With --check nothing is written, and a twin that is not up to date is named.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from comfyui import ROOT
from editor_graphs import Definitions, to_api
from graphs import Graph, GraphError, read
from serve import ServerError, running_server

WORKFLOWS = ROOT / "workflows"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--comfyui", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*", help="such as first_light; all without any")
    args = parser.parse_args()
    try:
        with running_server(args.comfyui) as server:
            definitions = node_definitions(server.url)
        return write_twins(chosen(args.names), definitions, args.check)
    except (GraphError, ServerError) as error:
        print(error, file=sys.stderr)
        return 1


def chosen(names: Sequence[str]) -> list[Path]:
    return [WORKFLOWS / f"{name}.json" for name in names] or sorted(WORKFLOWS.glob("*.json"))


def node_definitions(url: str) -> Definitions:
    # A proxy from the environment must not be asked for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/object_info") as response:
        return json.load(response)


def write_twins(workflows: Sequence[Path], definitions: Definitions, check: bool) -> int:
    """Returns how many twins were not up to date where they are only checked, else 0."""
    stale = 0
    for path in workflows:
        graph, twin = to_api(read(path), definitions), twin_of(path)
        if twin.is_file() and read(twin) == graph:
            continue
        print(f"{'not up to date' if check else 'written'}: {twin}")
        stale += 1
        if not check:
            twin.write_text(as_text(graph), encoding="utf-8")
    return stale if check else 0


def twin_of(workflow: Path) -> Path:
    return workflow.parent / "api" / workflow.name


def as_text(graph: Graph) -> str:
    lines = (f"  {json.dumps(key)}: {json.dumps(node)}" for key, node in graph.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
