"""The checks that the registry and others run on a pack: comfy-cli's and comfy-test's.

They have an environment of their own in .runtime, as they want other versions than ComfyUI does.
Without a registry of packages they are skipped. comfy-test's coverage finds no nodes in a pack of
V3 nodes, so tests/workflows counts what workflows use; its registration is tests/server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WANTED = Path(__file__).with_name("ecosystem.txt")
FOLDER = ROOT / ".runtime" / "ecosystem"
# What comfy-test holds against us and we keep, because of:
PLAIN_LAYERS = "a network that also runs without ComfyUI; its weights set the precision"
MIXED = "trains svd-mini, outside ComfyUI"
CHOSEN = "the precision that the user chose, around networks that others wrote"
STYLE = "one style sheet with selectors of our own, for panels on every node"
TOASTS = "messages with a button, where this ComfyUI's toasts have none"
POPUP = "a menu on top of the page while it is open; its listener goes with it"
ACCEPTED_PYTHON = {
    "models/rife/network.py": PLAIN_LAYERS,
    "models/temporalfix.py": PLAIN_LAYERS,
    "training/latent_cache.py": MIXED,
    "training/mini_unet.py": MIXED,
    "training/mini_vae.py": MIXED,
    "video/upscale/ladder.py": CHOSEN,
}
ACCEPTED_JAVASCRIPT = {
    ("graph/style_sheet.mjs", "shared-dom-injection"): STYLE,
    ("notices/notice.mjs", "shared-dom-injection"): TOASTS,
    ("presets/popup.mjs", "shared-dom-injection"): POPUP,
    ("presets/popup.mjs", "document-level-listener"): POPUP,
}


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of commands; installed anew when ecosystem.txt changes."""
    commands = FOLDER / ("Scripts" if os.name == "nt" else "bin")
    stamp, wanted = FOLDER / "installed.txt", WANTED.read_text(encoding="utf-8")
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(FOLDER, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        pip = [commands / "python", "-m", "pip", "install", "-q", "-r", WANTED]
        fetched = subprocess.run(pip, capture_output=True, encoding="utf-8")
        if fetched.returncode:
            pytest.skip(f"pip could not fetch comfy-cli and comfy-test: {fetched.stderr[-300:]}")
        stamp.write_text(wanted, encoding="utf-8")
    return commands


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    """The files that users get: what git knows and .comfyignore lets through."""
    folder = tmp_path_factory.mktemp("published") / "svd-studio"
    for name in published_names():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


@pytest.fixture
def run(tools, tmp_path, published) -> Callable[..., subprocess.CompletedProcess]:
    """run(command, ...): one of the tools on the published files, quiet and with a home apart."""
    quiet = {"DO_NOT_TRACK": "1", "COMFY_NO_UPDATE_CHECK": "1", "COLUMNS": "200"}
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME")}
    env = {**os.environ, **quiet, **home, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    env.pop("PYTHONPATH", None)  # ComfyUI's own folders would be found before the tools'

    def runs(command: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [tools / command, *arguments],
            cwd=published, env=env, encoding="utf-8", timeout=300,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip

    return runs


def published_names() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: what is published is told from what git knows")
    ignored = set(git("ls-files", "-ci", "--exclude-from=.comfyignore"))
    return [name for name in git("ls-files") if name not in ignored and (ROOT / name).is_file()]


def git(*arguments: str) -> list[str]:
    listed = subprocess.run(
        ["git", "-C", ROOT, *arguments, "-z"], capture_output=True, encoding="utf-8", check=True
    )
    return listed.stdout.split("\0")[:-1]


def test_registry_would_take_the_pack(run):
    ran = run("comfy", "--skip-prompt", "--no-json", "node", "validate")
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "passed" in said
    assert "Warning" not in said


@pytest.fixture
def lint(run) -> Callable[[str], dict]:
    """lint(check): what comfy-test's syntax or javascript level reports."""

    def linted(check: str) -> dict:
        ran = run("comfy-test", "lint", "--check", check, "--json", ".")
        return json.loads(ran.stdout)["results"][check]

    return linted


def test_comfy_test_finds_nothing_new_in_python(lint):
    found = lint("syntax")
    files = set(re.findall(r"^(\S+\.py):$", found.get("details") or "", re.MULTILINE))
    assert files == set(ACCEPTED_PYTHON), found
    if not found["passed"]:  # and no other rule that ends the check before this one
        assert found["error"].startswith("Forbidden patterns"), found


def test_comfy_test_finds_nothing_new_in_javascript(lint):
    errors = [each for each in lint("javascript")["findings"] if each["level"] == "error"]
    new = [each for each in errors if (each["file"], each["rule"]) not in ACCEPTED_JAVASCRIPT]
    assert not new


def test_published_files_are_those_that_comfyui_needs():
    names = published_names()
    tops = {name.split("/")[0] for name in names}
    assert {"__init__.py", "nodes", "models", "sampling", "video", "training", "drawing"} <= tops
    assert {"js", "locales", "workflows", "requirements.txt", "pyproject.toml"} <= tops
    assert not {"tests", "dev", "studio.py", ".ci", ".github"} & tops
