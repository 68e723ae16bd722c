"""Loading the pack is cheap: it imports nothing of others that ComfyUI has not imported itself."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.comfy

ROOT = Path(__file__).resolve().parents[2]
PACK = "svd-studio"
ROW = re.compile(r"import time: +\d+ \| +\d+ \|( +)(.+)")


class Import(NamedTuple):
    depth: int
    name: str


@pytest.fixture(scope="module")
def imports(tmp_path_factory):
    """Everything that ComfyUI imports until it has loaded the pack; a module after its own."""
    comfyui = os.environ.get("COMFYUI_PATH")
    if not comfyui:
        pytest.skip("COMFYUI_PATH names no ComfyUI")
    packs = tmp_path_factory.mktemp("base") / "custom_nodes"
    packs.mkdir()
    (packs / PACK).symlink_to(ROOT, target_is_directory=True)
    command = [sys.executable, "-X", "importtime", Path(comfyui) / "main.py", "--cpu"]
    command += ["--base-directory", packs.parent, "--disable-api-nodes", "--quick-test-for-ci"]
    command += ["--database-url", "sqlite:///:memory:"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = (ROW.match(line) for line in done.stderr.splitlines())
    return [Import(len(row[1]), row[2]) for row in rows if row]


def test_the_pack_brings_in_no_package_of_others(imports):
    last = max(at for at, one in enumerate(imports) if one.name.endswith(f"{PACK}.nodes"))
    first = last
    while imports[first - 1].depth > imports[last].depth:
        first -= 1
    loaded = imports[first : last + 1]
    assert sum(PACK in one.name for one in loaded) > 100
    known = {package(one) for one in imports[:first]} | sys.stdlib_module_names
    assert {package(one) for one in loaded if PACK not in one.name} <= known


def package(one):
    return one.name.partition(".")[0]
