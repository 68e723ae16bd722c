"""Reading weights without running anything: safetensors only, single, sharded or in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

PICKLE_STARTS = (b"PK\x03\x04", b"\x80")
Shapes = Mapping[str, tuple[int, ...]]


class WeightFileError(ValueError):
    """A file that cannot be used, said in one sentence with the remedy."""


@dataclass(frozen=True)
class WeightFiles:
    """One network's or checkpoint's tensors, spread over one or more files."""

    files: tuple[Path, ...]
    shapes: Shapes
    metadata: Mapping[str, str]

    def read(self, prefix: str = "") -> dict[str, Tensor]:
        """The tensors whose names start with `prefix`, under their names without it."""
        tensors = {}
        for file in self.files:
            with safe_open(file, "pt") as opened:
                for key in opened.keys():  # noqa: SIM118 - not a mapping
                    if key.startswith(prefix):
                        tensors[key[len(prefix) :]] = opened.get_tensor(key)
        return tensors

    def shapes_under(self, prefix: str) -> dict[str, tuple[int, ...]]:
        return {k[len(prefix) :]: s for k, s in self.shapes.items() if k.startswith(prefix)}


def open_weights(*files: Path) -> WeightFiles:
    """Read the headers of `files`; raises `WeightFileError` for anything but sound safetensors."""
    shapes: dict[str, tuple[int, ...]] = {}
    metadata: dict[str, str] = {}
    for file in files:
        _refuse_pickle(file)
        try:
            with safe_open(file, "pt") as opened:
                metadata |= opened.metadata() or {}
                for key in opened.keys():  # noqa: SIM118 - not a mapping
                    shapes[key] = tuple(opened.get_slice(key).get_shape())
        except SafetensorError as error:
            size = file.stat().st_size
            raise WeightFileError(
                f"{file.name} is truncated or damaged ({size:,} bytes found, {error}): "
                "download or copy it again."
            ) from error
    return WeightFiles(files, shapes, metadata)


def open_component(folder: Path) -> WeightFiles:
    """One part of a diffusers folder: sharded, whole or an fp16 twin, whichever is there."""
    for index in sorted(folder.glob("*.safetensors.index*.json")):
        shards = set(json.loads(index.read_text())["weight_map"].values())
        files = [folder / name for name in sorted(shards)]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise WeightFileError(
                f"{folder.parent.name}/{folder.name} is incomplete (missing: "
                f"{', '.join(missing)}): download the whole model."
            )
        return open_weights(*files)
    files = sorted(
        folder.glob("*.safetensors"), key=lambda file: (".fp16." in file.name, file.name)
    )
    if not files:
        pickled = "; only pickles, which can run code" if list(folder.glob("*.bin")) else ""
        raise WeightFileError(
            f"No .safetensors file in {folder.parent.name}/{folder.name}{pickled}: "
            "download the safetensors version of this model."
        )
    return open_weights(files[0])


def _refuse_pickle(file: Path) -> None:
    with file.open("rb") as opened:
        start = opened.read(9)
    # a length comes first in safetensors, and one in 32 starts with a pickle's \x80; then JSON
    pickled = start.startswith(PICKLE_STARTS) and not start.endswith(b"{")
    if file.suffix in {".ckpt", ".pt", ".pth", ".bin"} or pickled:
        raise WeightFileError(
            f"{file.name} is a pickle, which can run code when it is opened: "
            "use the .safetensors version of this model."
        )
