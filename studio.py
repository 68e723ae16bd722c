#!/usr/bin/env python3
"""One command for everything: prepares the environment, then hands over to a script in dev/.

Standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dev.environment import DEV, ROOT, SetupError, script, set_up

DEMO_GRAPH = ROOT / "workflows" / "api" / "image_to_4k.json"
# Smaller networks than the graph's, which a package of the registry ships: a CPU will do.
DEMO_NETWORKS = (
    "SVD Upscale.model_name=realesr-animevideov3-x4.safetensors",
    "SVD Interpolate.model_name=rife-4.6.safetensors",
)
CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["lint-imports"])

# Ctrl-C in a terminal reaches the child too; this is how long it gets to end by itself.
CTRL_C_PATIENCE = 10.0


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
    command += ["--list"] if getattr(args, "list", False) else []
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
    small = (*DEMO_NETWORKS, "SVD Upscale.target=network's own")
    large = {"const": DEMO_NETWORKS, "default": small, "help": "in 3840x2160"}
    demo.add_argument("--4k", dest="size", action="store_const", **large)
    run_parser = command(
        "run", run, "run a graph, as the editor saves it or for the API", common, pictures
    )
    run_parser.add_argument("graph", type=Path, metavar="GRAPH.json")
    run_parser.add_argument("--list", action="store_true", help="print what --set can change")
    command("serve", serve, "start ComfyUI (-- passes on)", common).add_argument("--port", type=int)
    command("test", test, "lint and test; arguments go to pytest", common)
    command("bench", tool, "measure it: bench memory, camera, finish, lora or speed", common)
    command("train-lora", tool, "train a LoRA as a CONFIG.toml says", common)
    command("train-mini", tool, "reproduce the built-in model", common)
    command("fit-schedule", tool, "fit a noise schedule to it", common)
    command("measure-mini", tool, "measure it on held-out photographs", common)
    return parser


if __name__ == "__main__":
    # A polite kill ends a running pip as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
