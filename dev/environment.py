"""The environment that everything runs in: Python, torch, ComfyUI and what these require.

Standard library only, because it runs before anything is installed. pip runs only if something
has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / "dev"
RUNTIME = ROOT / ".runtime"

# A pair known to work together on Python 3.11; any other Python takes the newest that fits it.
PINNED_TORCH = ("torch==2.14.1", "torchvision==0.29.1")
PINNED_TORCH_PYTHON = (3, 11)

# torch is chosen above; torchaudio, without which newer ComfyUIs do not start, goes unpinned.
NOT_FROM_COMFYUI = frozenset({"torch", "torchvision", "torchaudio"})
# ComfyUI 0.3.75 imports it without listing it; older transformers used to bring it along.
FORGOTTEN_BY_COMFYUI = "requests\n"


class SetupError(RuntimeError):
    """The environment cannot be made; the message says what to do."""


class Environment(NamedTuple):
    python: Path
    stamps: Path


def set_up(given_comfyui: str | None, tools: bool = False) -> tuple[Environment, Path]:
    """A Python that can start ComfyUI, and the ComfyUI; pip runs only if something changed."""
    env = find_environment()
    comfyui = find_comfyui(env.python, given_comfyui)
    install_pack(env, comfyui)
    if tools:
        install_tools(env)
    return env, comfyui


def find_environment() -> Environment:
    given = os.environ.get("SVD_STUDIO_PYTHON")
    if given:
        if not Path(given).is_file():
            raise SetupError(f"SVD_STUDIO_PYTHON names {given}, which is no file")
        return Environment(Path(given), RUNTIME / f"python-{fingerprint([given])[:12]}")
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print("Making the environment .venv ...", flush=True)
        if subprocess.run([sys.executable, "-m", "venv", folder]).returncode:
            raise SetupError("python -m venv failed (on Debian: install the package python3-venv)")
    return Environment(python, folder)


def find_comfyui(python: Path, given: str | None) -> Path:
    command = [python, DEV / "comfyui.py", *(["--comfyui", given] if given else [])]
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", env=variables)
    if found.returncode:
        raise SetupError("no ComfyUI to run with (see above)")
    return Path(found.stdout.strip())


def install_pack(env: Environment, comfyui: Path) -> None:
    wanted = [
        kept_requirements((comfyui / "requirements.txt").read_text(encoding="utf-8")),
        (ROOT / "requirements.txt").read_text(encoding="utf-8"),
    ]
    stamp = env.stamps / "svd-studio-pack.stamp"
    mark = fingerprint([*wanted, str(comfyui), comfyui_version(comfyui), str(ROOT)])
    if is_current(stamp, mark):
        return
    if subprocess.run([env.python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode:
        install_torch(env.python)
    print("Installing the requirements of ComfyUI and of the pack ...", flush=True)
    filtered = RUNTIME / "comfyui-requirements.txt"
    write_text(filtered, wanted[0])
    require_pip(env.python, "-q", "-r", filtered, "-r", ROOT / "requirements.txt")
    require_pip(env.python, "-q", "--no-deps", "-e", ROOT)
    pip(env.python, "-q", "--no-deps", "torchaudio")
    write_text(stamp, mark)


def install_torch(python: Path) -> None:
    print("Installing torch, the largest part; this takes minutes ...", flush=True)
    version = ask(python, "import sys; print(*sys.version_info[:2])").split()
    if not (tuple(map(int, version)) == PINNED_TORCH_PYTHON and pip(python, *PINNED_TORCH) == 0):
        require_pip(python, "torch", "torchvision")


def install_tools(env: Environment) -> None:
    wanted = DEV / "requirements.txt"
    stamp = env.stamps / "svd-studio-tools.stamp"
    mark = fingerprint([wanted.read_text(encoding="utf-8"), str(ROOT)])
    if not is_current(stamp, mark):
        print("Installing the tools for tests and training ...", flush=True)
        require_pip(env.python, "-q", "-r", wanted)
        write_text(stamp, mark)


def kept_requirements(text: str) -> str:
    """ComfyUI's requirements without what studio chooses itself, and with what they forget."""
    lines = (line for line in text.splitlines(True) if project_name(line) not in NOT_FROM_COMFYUI)
    return "".join(lines).rstrip() + f"\n{FORGOTTEN_BY_COMFYUI}"


def project_name(line: str) -> str:
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def comfyui_version(comfyui: Path) -> str:
    file = comfyui / "comfyui_version.py"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def fingerprint(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current(stamp: Path, mark: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == mark


def write_text(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def pip(python: Path, *arguments: str | Path) -> int:
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    return subprocess.run(command).returncode


def require_pip(python: Path, *arguments: str | Path) -> None:
    if pip(python, *arguments):
        raise SetupError("pip failed (see above); the next start tries again")


def ask(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def script(python: Path, name: str) -> Path:
    """Where pip put the command `name` for that Python."""
    folder = ask(python, "import sysconfig; print(sysconfig.get_path('scripts'))")
    return Path(folder) / (f"{name}.exe" if os.name == "nt" else name)
