"""Runs one API-format graph on a ComfyUI of its own and brings the resulting files home."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import mimetypes
import sys
import time
from pathlib import Path
from typing import BinaryIO

import aiohttp
import av
import graphs
from client import Client, OutputFile, RunError
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
    return parser.parse_args()


def run(args: argparse.Namespace) -> None:
    """Everything that can be wrong with the request is found before the server starts."""
    graph = graphs.load(args.graph)
    for assignment in args.set:
        graphs.assign(graph, assignment)
    image_node = graphs.only_load_image(graph) if args.image else None
    fetch_networks(graph)
    begin = time.monotonic()
    print("Starting ComfyUI ...", flush=True)
    with running_server(args.comfyui) as server:
        print(f"ready after {time.monotonic() - begin:.1f} s, log: {server.log}", flush=True)
        asyncio.run(run_on(server, graph, image_node, args))
    print(f"done in {time.monotonic() - begin:.1f} s")


def fetch_networks(graph: graphs.Graph) -> None:
    """Put the networks that the graph names, and that packages have, where ComfyUI finds them."""
    for node in graph.values():
        for value in node["inputs"].values():
            if isinstance(value, str) and value.removesuffix(NETWORK_SUFFIX) in NETWORKS:
                network_file(value.removesuffix(NETWORK_SUFFIX))


async def run_on(
    server: Server, graph: graphs.Graph, image_node: str | None, args: argparse.Namespace
) -> None:
    # A run takes as long as it takes.
    patient = aiohttp.ClientTimeout(total=None)
    try:
        async with aiohttp.ClientSession(timeout=patient) as session:
            client = Client(session, server.url)
            if image_node:
                graph[image_node]["inputs"]["image"] = await client.upload_image(args.image)
            begin = time.monotonic()
            files = wanted_files(await client.run(graph))
            print(f"graph finished in {time.monotonic() - begin:.1f} s")
            await bring_home(client, files, args.out)
    except (aiohttp.ClientError, RunError) as error:
        await asyncio.sleep(0.5)  # a dying server closes its connections first
        server.check_alive()
        if isinstance(error, RunError):
            raise
        raise RunError(f"the server did not answer as expected: {error}") from error


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
