"""dev/serve.py: a server that dies is quoted, and none is left behind."""

import os
import socket
import sys
import time

import pytest

ANSWERING_SERVER = """
import subprocess, sys, http.server
port = int(sys.argv[sys.argv.index("--port") + 1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def serve(script, monkeypatch):
    module = script("serve")
    monkeypatch.setattr(module, "has_accelerator", lambda: False)
    return module


@pytest.fixture
def fake(tmp_path):
    """Write a main.py in place of ComfyUI's."""

    def write(code):
        (tmp_path / "main.py").write_text(code)
        return tmp_path

    return write


def is_running(pid):
    """A zombie has ended: it only waits for its parent to look."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = f"/proc/{pid}/stat"
    if os.path.exists(stat):
        with open(stat) as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    return True


def test_free_port_can_be_bound(serve):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", serve.free_port()))


def test_taken_port_is_refused_before_the_start(serve):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(serve.ServerError, match=f"port {port} is taken"):
            serve.choose_port(port)


def test_early_death_shows_the_end_of_the_log(serve, fake, tmp_path):
    comfyui = fake("for i in range(50): print('line', i)\nraise SystemExit(3)")
    with (
        pytest.raises(serve.ServerError) as caught,
        serve.running_server(comfyui, runtime=tmp_path / "run"),
    ):
        pytest.fail("it never was ready")
    lines = str(caught.value).splitlines()
    assert "exit code 3" in lines[0]
    assert lines[1:] == [f"line {i}" for i in range(30, 50)]


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_server_and_its_children_end_with_the_block(serve, fake, tmp_path):
    seen = []

    def child_of(server):
        return int(serve.last_lines(server.log).split()[1])

    def use_and_fail():
        with serve.running_server(fake(ANSWERING_SERVER), runtime=tmp_path / "run") as server:
            seen.append(server)
            assert is_running(child_of(server))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use_and_fail()
    (server,) = seen
    child = child_of(server)
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)
    assert server.process.returncode is not None


def test_every_server_has_a_temp_folder_of_its_own(serve, fake, tmp_path):
    comfyui, runtime = fake(ANSWERING_SERVER), tmp_path / "run"
    temp = runtime / "base" / "temp"
    with (
        serve.running_server(comfyui, runtime=runtime),
        serve.running_server(comfyui, runtime=runtime),
    ):
        assert len(list(temp.iterdir())) == 2
    assert list(temp.iterdir()) == []


def test_machine_without_an_accelerator_gets_cpu(serve, tmp_path, monkeypatch):
    assert "--cpu" in serve.start_command(tmp_path, tmp_path, 1)
    monkeypatch.setattr(serve, "has_accelerator", lambda: True)
    command = serve.start_command(tmp_path, tmp_path, 1)
    assert "--cpu" not in command
    assert command[0] == sys.executable
