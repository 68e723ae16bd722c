"""Talks to a ComfyUI server: upload, queue, follow until done, download."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import aiohttp
from graphs import Graph, title

BAR_WIDTH = 24
CHUNK_BYTES = 1 << 20

# An entry of a node's output: {"filename", "subfolder", "type"}.
OutputFile = dict[str, str]


class RunError(RuntimeError):
    """The graph was refused or failed; the message names the node."""


class ConnectionLost(RunError):  # noqa: N818 - reads as what happened
    """The server went away in the middle of a run."""


class ProgressLine:
    """One line that follows the running node; off a terminal, one plain line per node."""

    def __init__(self, graph: Graph, stream: TextIO = sys.stdout) -> None:
        self.graph = graph
        self.stream = stream
        self.live = stream.isatty()
        self.current: str | None = None
        self.seen: set[str] = set()

    def show(self, node_id: str, value: float = 0, maximum: float = 0) -> None:
        if self.live:
            self._redraw(node_id, value, maximum)
        elif node_id not in self.seen:
            print(title(self.graph, node_id), file=self.stream, flush=True)
        self.seen.add(node_id)

    def _redraw(self, node_id: str, value: float, maximum: float) -> None:
        if self.current not in (None, node_id):
            self.close()
        self.current = node_id
        columns = shutil.get_terminal_size().columns - 1
        text = f"{progress_bar(value, maximum)} {title(self.graph, node_id)}"[:columns]
        self.stream.write("\r" + text.ljust(columns))
        self.stream.flush()

    def close(self) -> None:
        if self.current is not None:
            self.stream.write("\n")
            self.current = None


def progress_bar(value: float, maximum: float) -> str:
    if maximum <= 1:  # a node without steps reports 0/1
        return f"[{' ' * BAR_WIDTH}]"
    filled = int(BAR_WIDTH * min(value / maximum, 1))
    return f"[{('#' * filled).ljust(BAR_WIDTH)}] {value:g}/{maximum:g}"


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.client_id = uuid.uuid4().hex

    async def definitions(self) -> dict[str, dict[str, Any]]:
        """What the server knows of each kind of node."""
        async with self.session.get(f"{self.url}/object_info") as response:
            response.raise_for_status()
            return await response.json()

    async def upload(self, path: Path) -> str:
        """Put a file into the input folder; returns the name that nodes know it by."""
        form = aiohttp.FormData()
        form.add_field("image", path.read_bytes(), filename=path.name)
        async with self.session.post(f"{self.url}/upload/image", data=form) as response:
            response.raise_for_status()
            stored = await response.json()
        return "/".join(filter(None, (stored["subfolder"], stored["name"])))

    async def run(self, graph: Graph) -> list[OutputFile]:
        """Queue the graph, show its progress, and return the files it made."""
        progress = ProgressLine(graph)
        address = f"{self.url}/ws?clientId={self.client_id}"
        # Connected before queueing, so that no message is missed. Previews may be large.
        async with self.session.ws_connect(address, max_msg_size=0) as socket:
            prompt_id = await self._queue(graph)
            try:
                return await follow(socket, prompt_id, graph, progress)
            except asyncio.CancelledError:
                await self._interrupt()
                raise
            finally:
                progress.close()

    async def download(self, file: OutputFile, target: BinaryIO) -> None:
        async with self.session.get(f"{self.url}/view", params=file) as response:
            response.raise_for_status()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                target.write(chunk)

    async def _queue(self, graph: Graph) -> str:
        body = {"prompt": graph, "client_id": self.client_id}
        async with self.session.post(f"{self.url}/prompt", json=body) as response:
            if response.status not in (200, 400):
                response.raise_for_status()
            answer = await response.json()
        # A 200 with node errors would leave out the outputs that depend on those nodes.
        if response.status == 400 or answer.get("node_errors"):
            raise RunError("\n".join(refusal_lines(graph, answer)))
        return answer["prompt_id"]

    async def _interrupt(self) -> None:
        soon = aiohttp.ClientTimeout(total=5)
        with suppress(aiohttp.ClientError, asyncio.TimeoutError):
            await self.session.post(f"{self.url}/interrupt", timeout=soon)


async def follow(
    socket: aiohttp.ClientWebSocketResponse, prompt_id: str, graph: Graph, progress: ProgressLine
) -> list[OutputFile]:
    files: list[OutputFile] = []
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:  # a preview picture
            continue
        event = json.loads(message.data)
        data = event.get("data") or {}
        if data.get("prompt_id") != prompt_id:
            continue
        kind = event["type"]
        if kind == "execution_success":
            return files
        if kind in ("execution_error", "execution_interrupted"):
            raise RunError(failure_text(graph, kind, data))
        if kind == "executed":
            files += listed_files(data.get("output"))
        show_event(progress, kind, data)
    raise ConnectionLost("the server closed the connection before the graph was done")


def show_event(progress: ProgressLine, kind: str, data: Mapping[str, Any]) -> None:
    if kind == "progress_state":
        for node_id, state in data["nodes"].items():
            if state["state"] == "running":
                shown = state.get("display_node_id") or node_id
                progress.show(shown, state["value"], state["max"])
    elif kind == "progress" and data.get("node"):
        progress.show(data["node"], data["value"], data["max"])
    elif kind == "executing" and data.get("node"):
        progress.show(data.get("display_node") or data["node"])


def failure_text(graph: Graph, kind: str, data: Mapping[str, Any]) -> str:
    name = title(graph, str(data.get("node_id")))
    if kind == "execution_interrupted":
        return f"{name}: interrupted"
    return f"{name}: {data.get('exception_message', '').strip()}"


def listed_files(output: Mapping[str, Any] | None) -> list[OutputFile]:
    """The files in a node's output, whatever key (images, gifs, video, ...) they are under."""
    entries = [
        entry for value in (output or {}).values() if isinstance(value, list) for entry in value
    ]
    return [
        {key: entry.get(key, "") for key in ("filename", "subfolder", "type")}
        for entry in entries
        if isinstance(entry, dict) and "filename" in entry
    ]


def refusal_lines(graph: Graph, answer: Mapping[str, Any]) -> list[str]:
    """One line per node that /prompt objects to, or its general objection."""
    nodes = answer.get("node_errors") or {}
    if not nodes:
        error = answer["error"]
        return [" ".join(filter(None, (error["message"], error.get("details"))))]
    return [
        f"{title(graph, node_id)}: " + "; ".join(map(problem_text, found["errors"]))
        for node_id, found in nodes.items()
    ]


def problem_text(error: Mapping[str, Any]) -> str:
    name = (error.get("extra_info") or {}).get("input_name", "")
    details = error.get("details", "")
    text = error["message"] if details in ("", name) else f"{error['message']} ({details})"
    return f"{name}: {text}" if name else text
