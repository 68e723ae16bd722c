"""Starts ComfyUI with the pack, waits until it answers, and ends it on every way out.

As a script it does so until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from comfyui import RUNTIME, make_base, model_paths_file, offer_example_picture
from example_clips import offer_example_clips

DEFAULT_PORT = 8188
START_SECONDS = 300.0
STOP_SECONDS = 10.0
LOG_LINES = 20

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # The log is a file, and Windows would write it in a code page that lacks ComfyUI's signs.
    "PYTHONIOENCODING": "utf-8",
}


class ServerError(RuntimeError):
    """ComfyUI did not start or ended by itself; the message ends with its last words."""


class Server(NamedTuple):
    url: str
    process: subprocess.Popen
    log: Path

    def check_alive(self) -> None:
        code = self.process.poll()
        if code is not None:
            raise ServerError(
                f"ComfyUI stopped by itself (exit code {code}). The end of {self.log}:\n"
                + last_lines(self.log)
            )


@contextmanager
def running_server(
    comfyui: Path, port: int | None = None, extra: Sequence[str] = (), runtime: Path = RUNTIME
) -> Iterator[Server]:
    base = make_base(runtime)
    offer_example_picture(comfyui, base)
    offer_example_clips(base)
    port = port or free_port()
    log = runtime / "logs" / f"comfyui-{time.strftime('%Y%m%d-%H%M%S')}-{port}.log"
    log.parent.mkdir(exist_ok=True)
    # ComfyUI empties its temp folder at start, so two servers must not share one.
    with tempfile.TemporaryDirectory(dir=base / "temp") as temp, log.open("wb") as output:
        command = [*start_command(comfyui, base, port), "--temp-directory", temp, *extra]
        process = start(command, output)
        server = Server(f"http://127.0.0.1:{port}", process, log)
        try:
            wait_until_ready(server)
            yield server
        finally:
            stop(process)


def start_command(comfyui: Path, base: Path, port: int) -> list[str]:
    command = [sys.executable, str(comfyui / "main.py"), "--base-directory", str(base)]
    command += ["--listen", "127.0.0.1", "--port", str(port)]
    command += ["--disable-api-nodes", "--disable-auto-launch"]
    # A file database would be shared, and locked, by every server of the same ComfyUI.
    command += ["--database-url", "sqlite:///:memory:"]
    models = model_paths_file(comfyui, base)
    command += ["--extra-model-paths-config", str(models)] if models else []
    return command if has_accelerator() else [*command, "--cpu"]


def has_accelerator() -> bool:
    import torch

    xpu = getattr(torch, "xpu", None)
    return (
        torch.cuda.is_available()
        or torch.backends.mps.is_available()
        or (xpu is not None and xpu.is_available())
    )


def start(command: Sequence[str], output: object) -> subprocess.Popen:
    # A group of its own: Ctrl-C is ours to handle, and its children can be ended with it.
    group = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    env = {**os.environ, **OFFLINE}
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, **group
    )


def wait_until_ready(server: Server, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not answers(f"{server.url}/system_stats"):
        server.check_alive()
        if time.monotonic() > deadline:
            raise ServerError(
                f"ComfyUI did not answer within {seconds:.0f} s. The end of {server.log}:\n"
                + last_lines(server.log)
            )
        time.sleep(0.1)


def answers(url: str) -> bool:
    # A proxy from the environment must not be asked for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def stop(process: subprocess.Popen) -> None:
    """End the server and its children; a second Ctrl-C in here ends them at once."""
    try:
        end_group(process, signal.SIGTERM)
        process.wait(STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        pass
    finally:
        # Also after a quiet end of the leader: a child of its may have ignored SIGTERM.
        end_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def end_group(process: subprocess.Popen, number: int) -> None:
    if os.name == "nt":
        process.terminate()
        return
    # macOS says EPERM for a group that has ended but is not yet reaped.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def last_lines(log: Path, count: int = LOG_LINES) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-count:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def interrupt_on_signals() -> None:
    """Make a polite kill or a closed terminal take the same way out as Ctrl-C."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def choose_port(wanted: int | None) -> int:
    if wanted and not is_free(wanted):
        raise ServerError(f"port {wanted} is taken")
    return wanted or (DEFAULT_PORT if is_free(DEFAULT_PORT) else free_port())


def serve(comfyui: Path, port: int | None, extra: Sequence[str]) -> None:
    begin = time.monotonic()
    with running_server(comfyui, choose_port(port), extra) as server:
        print(f"log: {server.log}")
        print(f"ready after {time.monotonic() - begin:.1f} s: {server.url}  (Ctrl-C ends it)")
        sys.stdout.flush()
        server.process.wait()
        server.check_alive()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--comfyui", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("extra", nargs="*", help="arguments for ComfyUI, after --")
    args = parser.parse_args()
    interrupt_on_signals()
    try:
        serve(args.comfyui, args.port, args.extra)
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
