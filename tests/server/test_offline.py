"""Without a network a graph runs as with one, and nothing in the server even tries to get out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import pytest

pytestmark = pytest.mark.comfy

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("run_cut_off.py")
LOG = "SVD_STUDIO_TEST_CONNECTIONS"

# Python loads a module of this name first, in the server and in every process that it starts.
LISTENER = f"""
import os, sys

def is_here(host):
    host = host.decode() if isinstance(host, bytes) else host
    return host in (None, "", "localhost", "::1", "0.0.0.0", "::") or host.startswith("127.")

def note(text):
    with open(os.environ["{LOG}"], "a") as log:
        log.write(f"{{text}} in {{' '.join(sys.orig_argv)}}\\n")

def listen(event, args):
    if event in ("socket.connect", "socket.sendto"):
        host = args[1][0] if isinstance(args[1], tuple) else None  # a path is no network
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if not is_here(host):
        note(f"{{event}} {{host}}")

sys.addaudithook(listen)
note("listening")
"""


@pytest.fixture
def cut_off():
    """The command that runs another one in a network of its own, without a way out."""
    unshare = shutil.which("unshare")
    command = [unshare, "--map-root-user", "--net"]
    if not unshare or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("needs Linux, and network namespaces that users may make")
    return command


@pytest.fixture
def listened(tmp_path):
    """Variables under which Python notes every look beyond this machine, and the notes."""
    folder = tmp_path / "listener"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(LISTENER)
    log = tmp_path / "connections.log"
    log.touch()
    path = os.pathsep.join([str(folder), str(ROOT / "dev"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, LOG: str(log)}, log


def test_a_graph_runs_in_a_machine_without_a_network(cut_off, listened, first_light, tmp_path):
    comfyui = os.environ.get("COMFYUI_PATH")
    if not comfyui:
        pytest.skip("COMFYUI_PATH names no ComfyUI")
    graph = tmp_path / "graph.json"
    graph.write_text(json.dumps(first_light[0]))
    variables, log = listened
    command = [*cut_off, sys.executable, SCRIPT, comfyui, tmp_path, graph]
    done = subprocess.run([*map(str, command)], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    (film,) = [file for file in told["files"] if file["type"] == "output"]
    with av.open(str(tmp_path / "base" / "output" / film["subfolder"] / film["filename"])) as file:
        assert sum(1 for _ in file.decode(video=0)) == 2
    heard = log.read_text().splitlines()
    in_server = [line for line in heard if f"{os.sep}main.py " in line]
    elsewhere = [line for line in heard if line not in in_server and SCRIPT.name not in line]
    assert {line.split()[0] for line in [*in_server, *elsewhere]} == {"listening"}
    # The script's own attempt, after the run: there was no way out, and it was heard.
    assert "unreachable" in told["outside"]
    assert any(line.startswith("socket.connect 192.0.2.1") for line in heard)
