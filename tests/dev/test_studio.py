"""studio.py: how it reads its command line, and how it hands over."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


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
