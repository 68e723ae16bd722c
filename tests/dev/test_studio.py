"""studio.py: what it installs, when it installs again, and how it reads its command line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REQUIREMENTS = """comfyui-frontend-package==1.32.9
torch
torchsde
TorchVision>=0.2
torchaudio

#non essential dependencies:
kornia>=0.7.1
"""


def test_torch_is_not_taken_from_comfyui_but_its_namesakes_are(studio):
    kept = studio.kept_requirements(REQUIREMENTS).splitlines()
    assert kept == [
        "comfyui-frontend-package==1.32.9",
        "torchsde",
        "",
        "#non essential dependencies:",
        "kornia>=0.7.1",
        "requests",
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("torch==2.1", "torch"),
        ("torch[x]>1", "torch"),
        ("Foo_Bar.baz", "foo-bar-baz"),
        ("# torch", ""),
        ("", ""),
    ],
)
def test_project_name_is_normalised(studio, line, name):
    assert studio.project_name(line) == name


def test_stamp_is_current_only_for_the_same_parts(studio, tmp_path):
    stamp = tmp_path / "folder" / "a.stamp"
    mark = studio.fingerprint(["a", "b"])
    assert not studio.is_current(stamp, mark)
    studio.write_text(stamp, mark)
    assert studio.is_current(stamp, mark)
    assert not studio.is_current(stamp, studio.fingerprint(["ab"]))


@pytest.fixture
def installation(studio, tmp_path, monkeypatch):
    """A set-up whose pip calls are recorded instead of made."""
    calls = []
    monkeypatch.setattr(studio, "RUNTIME", tmp_path / "not made yet")
    monkeypatch.setattr(studio, "pip", lambda _python, *arguments: calls.append(arguments) or 0)
    comfyui = tmp_path / "comfyui"
    comfyui.mkdir()
    (comfyui / "requirements.txt").write_text("numpy\ntorch\n")
    (comfyui / "comfyui_version.py").write_text("__version__ = '1'")
    env = studio.Environment(sys.executable, tmp_path / "stamps")
    return env, comfyui, calls


def test_second_set_up_does_not_call_pip(studio, installation):
    env, comfyui, calls = installation
    studio.install_pack(env, comfyui)
    assert calls
    calls.clear()
    studio.install_pack(env, comfyui)
    assert calls == []


def test_another_comfyui_version_is_installed_for(studio, installation):
    env, comfyui, calls = installation
    studio.install_pack(env, comfyui)
    calls.clear()
    (comfyui / "comfyui_version.py").write_text("__version__ = '2'")
    studio.install_pack(env, comfyui)
    assert calls


def test_failed_pip_leaves_no_stamp(studio, installation, monkeypatch):
    env, comfyui, _calls = installation
    monkeypatch.setattr(studio, "pip", lambda *_: 1)
    with pytest.raises(studio.SetupError, match="pip failed"):
        studio.install_pack(env, comfyui)
    assert not env.stamps.exists()


def test_torch_falls_back_to_unpinned_when_the_pins_do_not_install(studio, monkeypatch):
    calls = []

    def pip(_python, *arguments):
        calls.append(arguments)
        return int(arguments == studio.PINNED_TORCH)

    monkeypatch.setattr(studio, "pip", pip)
    monkeypatch.setattr(studio, "PINNED_TORCH_PYTHON", sys.version_info[:2])
    studio.install_torch(sys.executable)
    assert calls == [studio.PINNED_TORCH, ("torch", "torchvision")]


def test_an_interpreter_of_the_users_replaces_the_environment(studio, monkeypatch):
    monkeypatch.setenv("SVD_STUDIO_PYTHON", sys.executable)
    assert str(studio.find_environment().python) == sys.executable
    monkeypatch.setenv("SVD_STUDIO_PYTHON", "/no/such/python")
    with pytest.raises(studio.SetupError, match="no/such/python"):
        studio.find_environment()


def test_arguments_that_studio_does_not_know_go_to_pytest_in_order(studio):
    args = studio.parse(["test", "-k", "camera", "tests/dev", "--comfyui", "there", "-x"])
    assert args.rest == ["-k", "camera", "tests/dev", "-x"]
    assert args.comfyui == "there"


def test_serve_passes_on_only_what_follows_the_dashes(studio, capsys):
    assert studio.parse(["serve", "--port", "9", "--", "--lowvram"]).rest == ["--lowvram"]
    with pytest.raises(SystemExit):
        studio.parse(["serve", "--lowvram"])
    assert "--lowvram" in capsys.readouterr().err


def test_missing_graph_is_named_before_anything_is_installed(studio, capsys):
    assert studio.main(["run", "no_such_graph.json"]) == 1
    assert "no_such_graph.json" in capsys.readouterr().err


def test_hand_over_returns_the_exit_code_and_sets_variables(studio):
    code = "import os, sys; sys.exit(int(os.environ['WANTED']))"
    assert studio.hand_over([sys.executable, "-c", code], {"WANTED": "7"}) == 7


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_sigterm_is_passed_on_to_the_child(studio, tmp_path):
    child = tmp_path / "child.py"
    child.write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    code = f"import sys, studio; sys.exit(studio.hand_over([sys.executable, {str(child)!r}]))"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(studio.__file__).parent, stdout=subprocess.PIPE
    )
    assert parent.stdout.readline().strip() == b"up"
    time.sleep(0.1)
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(10) == 5
    parent.stdout.close()
