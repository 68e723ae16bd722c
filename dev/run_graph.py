"""Runs one graph on a ComfyUI of its own and brings the resulting files home.

A graph is an API-format file or an editor workflow; `--list` says what `--set` can change in it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import mimetypes
import sys
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import aiohttp
import av
import graphs
from client import Client, OutputFile, RunError
from editor_graphs import Definitions, is_editor_workflow, to_api
from editor_widgets import takes_uploads
from finish_files import NETWORKS, FinishFileError, network_file
from PIL import Image, UnidentifiedImageError
from serve import Server, ServerError, interrupt_on_signals, running_server

NETWORK_SUFFIX = ".safetensors"


def main() -> int:
    args = parse()
    interrupt_on_signals()
    try:
        run(args)
    except (graphs.GraphError, FinishFileError, RunError, ServerError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--comfyui", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("output"))
    parser.add_argument("--image", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def run(args: argparse.Namespace) -> None:
    """What can be wrong with the request is found before the server starts, if it can be known."""
    document = graphs.read(args.graph)
    request = None
    if not is_editor_workflow(document):
        request = change(graphs.checked(document, args.graph), args)
        if args.list:
            print(*graphs.settable(request.graph), sep="\n")
            return
    begin = time.monotonic()
    say = partial(print, file=sys.stderr if args.list else sys.stdout, flush=True)
    say("Starting ComfyUI ...")
    with running_server(args.comfyui) as server:
        say(f"ready after {time.monotonic() - begin:.1f} s, log: {server.log}")
        asyncio.run(run_on(server, document, request, args))
    say(f"done in {time.monotonic() - begin:.1f} s")


class Request(NamedTuple):
    """A graph as it was asked for, and the files of this machine that go to the server first."""

    graph: graphs.Graph
    files: dict[tuple[str, str], Path]  # by node and input


def change(graph: graphs.Graph, args: argparse.Namespace) -> Request:
    """Apply --set and --image."""
    changed = [graphs.assign(graph, assignment) for assignment in args.set]
    files = {(key, name): graph[key]["inputs"][name] for key, name in changed}
    local = {place: Path(file) for place, file in files.items() if is_local_file(file)}
    if args.image:
        local[graphs.picture_node(graph), "image"] = args.image
    return Request(graph, local)


def is_local_file(value: object) -> bool:
    return isinstance(value, str) and value != "" and Path(value).is_file()


def fetch_networks(graph: graphs.Graph) -> None:
    """Put the networks that the graph names, and that packages have, where ComfyUI finds them."""
    for node in graph.values():
        for value in node["inputs"].values():
            if isinstance(value, str) and value.removesuffix(NETWORK_SUFFIX) in NETWORKS:
                network_file(value.removesuffix(NETWORK_SUFFIX))


async def run_on(
    server: Server, document: object, request: Request | None, args: argparse.Namespace
) -> None:
    # A run takes as long as it takes.
    patient = aiohttp.ClientTimeout(total=None)
    try:
        async with aiohttp.ClientSession(timeout=patient) as session:
            client = Client(session, server.url)
            definitions = await client.definitions()
            request = request or change(to_api(document, definitions), args)
            if args.list:
                print(*graphs.settable(request.graph), sep="\n")
            else:
                await upload(client, request, definitions)
                await run_with(client, request.graph, args.out)
    except (aiohttp.ClientError, RunError) as error:
        await asyncio.sleep(0.5)  # a dying server closes its connections first
        server.check_alive()
        if isinstance(error, RunError):
            raise
        raise RunError(f"the server did not answer as expected: {error}") from error


async def run_with(client: Client, graph: graphs.Graph, folder: Path) -> None:
    fetch_networks(graph)
    begin = time.monotonic()
    files = wanted_files(await client.run(graph))
    print(f"graph finished in {time.monotonic() - begin:.1f} s")
    await bring_home(client, files, folder)


async def upload(client: Client, request: Request, definitions: Definitions) -> None:
    """Give the server the files that inputs name which have an upload button in the editor."""
    for (key, name), file in request.files.items():
        node = request.graph[key]
        if takes_uploads(definitions.get(node["class_type"]), name):
            node["inputs"][name] = await client.upload(file)


def wanted_files(files: list[OutputFile]) -> list[OutputFile]:
    """Saved files; previews only where nothing was saved."""
    return [file for file in files if file["type"] == "output"] or files


async def bring_home(client: Client, files: list[OutputFile], folder: Path) -> None:
    if not files:
        print("the graph wrote no file")
    for file in files:
        with open_new(folder, file["filename"]) as target:
            await client.download(file, target)
        print(describe(Path(target.name)), flush=True)


def open_new(folder: Path, name: str) -> BinaryIO:
    """Create the file, under the next free name if that one is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(name).name
    for counter in itertools.count(1):
        try:
            return path.open("xb")
        except FileExistsError:
            path = folder / f"{Path(name).stem}_{counter}{path.suffix}"
    raise AssertionError("count() does not end")


def describe(path: Path) -> str:
    facts = [f"{path.stat().st_size} bytes"]
    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    if kind == "image":
        facts += image_facts(path)
    elif kind == "video":
        facts += video_facts(path)
    return f"{path}: {', '.join(facts)}"


def image_facts(path: Path) -> list[str]:
    try:
        with Image.open(path) as image:
            count = getattr(image, "n_frames", 1)
            return [plural(count, "frame"), f"{image.width}x{image.height}"]
    except UnidentifiedImageError:  # an EXR
        return []


def video_facts(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        if not container.streams.video:
            return ["no picture"]
        stream = container.streams.video[0]
        # Counted, as some containers leave the number out; a packet is a frame.
        count = sum(1 for packet in container.demux(stream) if packet.size)
        seconds = float(count / stream.average_rate) if stream.average_rate else 0.0
        size = f"{stream.codec_context.width}x{stream.codec_context.height}"
        return [plural(count, "frame"), size, f"{seconds:.2f} s"]


def plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


if __name__ == "__main__":
    sys.exit(main())
