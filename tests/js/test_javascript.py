"""The front end's own tests: node's test runner, and types by tsc against ComfyUI's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if not found:
        pytest.skip("no node on PATH")
    return found


@pytest.fixture(scope="session")
def tsc(node) -> Path:
    """TypeScript and ComfyUI's types, fetched once; without their registry there is no check."""
    found = HERE / "node_modules" / "typescript" / "bin" / "tsc"
    installed = HERE / "node_modules" / "installed.json"
    wanted = (HERE / "package-lock.json").read_text(encoding="utf-8")
    if not (installed.is_file() and installed.read_text(encoding="utf-8") == wanted):
        npm = shutil.which("npm")
        if not npm:
            pytest.skip("no npm on PATH")
        fetched = run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE)
        if fetched.returncode:
            pytest.skip(f"npm could not fetch the types: {fetched.stdout[-500:]}")
        installed.write_text(wanted, encoding="utf-8")
    return found


def run(command: list, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )


def test_modules_do_what_their_tests_say(node):
    tests = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    ran = run([node, "--test", *tests], cwd=HERE)
    assert ran.returncode == 0, ran.stdout


def test_types_fit_the_front_end(node, tsc):
    checked = run([node, tsc, "-p", HERE], cwd=HERE)
    assert checked.returncode == 0, checked.stdout


def test_every_entry_point_is_an_extension_of_ours():
    """ComfyUI imports every .js file; what is no extension is an .mjs that these import."""
    entries = sorted((ROOT / "js").glob("**/*.js"))
    assert entries
    for path in entries:
        text = path.read_text(encoding="utf-8")
        assert path.parent == ROOT / "js", path
        assert 'name: "svdstudio.' in text, path


def test_nothing_of_the_editor_is_replaced():
    for path in (ROOT / "js").glob("**/*.*js"):
        text = path.read_text(encoding="utf-8")
        for patch in (".prototype.", "window.app", "LGraphCanvas", "scripts/ui"):
            assert patch not in text, f"{path.name}: {patch}"
