"""Core's networks in a plain script: ComfyUI reads its options from the command line alone."""

import importlib
import sys

import comfy.options


def start_core(*options: str) -> None:
    """Make the rest of `comfy` importable with these options, and no others."""
    arguments = sys.argv
    sys.argv = [arguments[0], *options]
    comfy.options.enable_args_parsing()
    importlib.import_module("comfy.cli_args")  # parses now, while our options are in place
    sys.argv = arguments
