#!/usr/bin/env python3
"""One command for everything: prepares the environment, then hands over to a script in dev/.

Standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
DEV = ROOT / "dev"
RUNTIME = ROOT / ".runtime"
DEMO_GRAPH = ROOT / "workflows" / "api" / "image_to_4k.json"
CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["lint-imports"])

# A pair known to work together on Python 3.11; any other Python takes the newest that fits it.
PINNED_TORCH = ("torch==2.14.1", "torchvision==0.29.1")
PINNED_TORCH_PYTHON = (3, 11)

# torch is chosen above; torchaudio, without which newer ComfyUIs do not start, goes unpinned.
NOT_FROM_COMFYUI = frozenset({"torch", "torchvision", "torchaudio"})
# ComfyUI 0.3.75 imports it without listing it; older transformers used to bring it along.
FORGOTTEN_BY_COMFYUI = "requests\n"
# Ctrl-C in a terminal reaches the child too; this is how long it gets to end by itself.
CTRL_C_PATIENCE = 10.0


class SetupError(RuntimeError):
    """The environment cannot be made; the message says what to do."""


class Environment(NamedTuple):
    python: Path
    stamps: Path


def main(argv: Sequence[str] | None = None) -> int:
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        return args.action(args)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# ---- commands ------------------------------------------------------------------------------


def run(args: argparse.Namespace) -> int:
    image = args.image or getattr(args, "picture", None)
    for file in filter(None, (args.graph, image)):
        if not file.is_file():
            raise SetupError(f"there is no file {file}")
    env, comfyui = set_up(args.comfyui)
    command = [DEV / "run_graph.py", args.graph, "--comfyui", comfyui, "--out", args.out]
    command += ["--image", image] if image else []
    command += [f"--set={change}" for change in (*getattr(args, "size", ()), *args.set)]
    return hand_over([env.python, *command])


def serve(args: argparse.Namespace) -> int:
    env, comfyui = set_up(args.comfyui)
    port = ["--port", args.port] if args.port else []
    command = [env.python, DEV / "serve.py", "--comfyui", comfyui, *port, "--", *args.rest]
    return hand_over(command)


def test(args: argparse.Namespace) -> int:
    env, comfyui = set_up(args.comfyui, tools=True)
    failed = False
    for tool, *rest in () if args.rest else CHECKS:
        print(f"== {tool} {' '.join(rest)}", flush=True)
        failed |= hand_over([script(env.python, tool), *rest], cwd=ROOT) != 0
    # The script and not `python -m pytest`: that would put our nodes/ before ComfyUI's nodes.py.
    command = [script(env.python, "pytest"), *args.rest]
    return hand_over(command, comfyui_variables(comfyui), cwd=ROOT) or int(failed)


def tool(args: argparse.Namespace) -> int:
    env, comfyui = set_up(args.comfyui, tools=True)
    command = [env.python, DEV / f"{args.name.replace('-', '_')}.py", *args.rest]
    return hand_over(command, comfyui_variables(comfyui))


def comfyui_variables(comfyui: Path) -> dict[str, str]:
    return {"COMFYUI_PATH": str(comfyui), "PYTHONPATH": str(comfyui)}


# ---- set-up --------------------------------------------------------------------------------


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


# ---- other programs ------------------------------------------------------------------------


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


def hand_over(
    command: Sequence[object], variables: Mapping[str, str] | None = None, cwd: Path | None = None
) -> int:
    """Run a child to its end, pass SIGTERM on, and outlive Ctrl-C until the child has tidied up."""
    env = {**os.environ, **(variables or {})}
    process = subprocess.Popen([str(part) for part in command], env=env, cwd=cwd)
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    except KeyboardInterrupt:
        return wait_or_end(process)
    finally:
        signal.signal(signal.SIGTERM, previous)


def wait_or_end(process: subprocess.Popen) -> int:
    try:
        return process.wait(CTRL_C_PATIENCE)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.terminate()
        return process.wait()


# ---- command line --------------------------------------------------------------------------


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what studio does not know itself ends up in `rest`, in order."""
    argv = list(argv)
    cut = argv.index("--") if "--" in argv else len(argv)
    parser = make_parser()
    args, unknown = parser.parse_known_args(argv[:cut])
    args.rest = [*unknown, *argv[cut + 1 :]]
    if (args.action is run and args.rest) or (args.action is serve and unknown):
        parser.error(f"unknown argument: {(unknown or args.rest)[0]}")
    return args


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studio.py", description="SVD Studio", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--comfyui", metavar="PATH", help="a ComfyUI of your own (or COMFYUI_PATH)")
    pictures = argparse.ArgumentParser(add_help=False)
    pictures.add_argument("--image", type=Path, metavar="FILE", help="the picture for LoadImage")
    pictures.add_argument("--out", type=Path, default=Path("output"), metavar="DIR")
    pictures.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE")

    def command(
        name: str, action: Callable, text: str, *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, parents=parents, allow_abbrev=False)
        sub.set_defaults(action=action, name=name)
        return sub

    demo = command("demo", run, "turn a photograph into a finished film", common, pictures)
    demo.set_defaults(graph=DEMO_GRAPH, picture=DEMO_GRAPH.with_name("first_light.jpg"))
    large = {"const": (), "default": ["SVD Upscale.target=network's own"], "help": "in 3840x2160"}
    demo.add_argument("--4k", dest="size", action="store_const", **large)
    run_parser = command("run", run, "run an API-format graph", common, pictures)
    run_parser.add_argument("graph", type=Path, metavar="GRAPH.json")
    command("serve", serve, "start ComfyUI (-- passes on)", common).add_argument("--port", type=int)
    command("test", test, "lint and test; arguments go to pytest", common)
    command("bench", tool, "measure it: bench memory, camera, finish or lora", common)
    command("train-lora", tool, "train a LoRA as a CONFIG.toml says", common)
    command("train-mini", tool, "reproduce the built-in model", common)
    command("measure-mini", tool, "measure it on held-out photographs", common)
    return parser


if __name__ == "__main__":
    # A polite kill ends a running pip as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
