"""The configuration of `studio.py train-lora`: what it may say, and what it says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from svd_studio.models.lora.write import Layout
from svd_studio.training.lora.layers import Branch, Depth
from svd_studio.training.lora.recipe import LoraRecipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LAYOUTS = {layout.name.lower(): layout for layout in Layout}
FILE_PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the key."""


@dataclass(frozen=True)
class ModelConfig:
    """`lora` is one to begin with, of the same rank and layers."""

    checkpoint: str = "svd-mini"
    precision: str = "auto"
    lora: str = ""


@dataclass(frozen=True)
class ClipsConfig:
    """As the inputs of SVD Training Clips; 0 for the model's own."""

    folder: str = ""
    frames: int = 0
    fps: int = 0
    width: int = 0
    height: int = 0
    clips_per_film: int = 8
    mirror: bool = False
    validation_share: float = 0.1
    seed: int = 0
    pictures_fps: float = 0.0


@dataclass(frozen=True)
class OutputConfig:
    """`folder` keeps the run and the clips; the finished file goes into its folder `export`."""

    folder: str = ""
    format: str = "sgm"
    precision: str = "fp16"
    licence: str = ""


@dataclass(frozen=True)
class Config:
    """`home` is what paths start from: the folder of the configuration."""

    model: ModelConfig
    clips: ClipsConfig
    recipe: LoraRecipe
    output: OutputConfig
    home: Path

    @property
    def folder(self) -> Path:
        return self.home / self.output.folder


# Branches and depths by one word, and what the machine decides.
TRAIN_DEFAULTS = asdict(LoraRecipe()) | {
    "branch": "temporal", "depth": "attention", "alpha": 0.0, "precision": "auto",
}  # fmt: skip
SECTIONS = {
    "model": asdict(ModelConfig()),
    "clips": asdict(ClipsConfig()),
    "train": TRAIN_DEFAULTS,
    "output": asdict(OutputConfig()),
}


def read_config(file: Path) -> Config:
    """Raises `ConfigError` for what is no TOML, unknown keys and values of another kind."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    _require_known(content, SECTIONS, "section", f"in {file.name}")
    told = {name: _section(name, content.get(name, {})) for name in SECTIONS}
    for name in ("clips", "output"):
        if not told[name]["folder"]:
            raise ConfigError(f'[{name}] has no folder: give one, such as folder = "{name}".')
    _one_of("[output] format", told["output"]["format"], LAYOUTS)
    _one_of("[output] precision", told["output"]["precision"], FILE_PRECISIONS)
    _one_of("[model] precision", told["model"]["precision"], ("auto", *FILE_PRECISIONS))
    return Config(
        ModelConfig(**told["model"]),
        ClipsConfig(**told["clips"]),
        _recipe(told["train"]),
        OutputConfig(**told["output"]),
        file.resolve().parent,
    )


def _section(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    known = SECTIONS[name]
    if not isinstance(given, dict):
        raise ConfigError(f"{name} is no section: write it as [{name}].")
    _require_known(given, known, "key", f"in [{name}]")
    for key, value in given.items():
        kind = type(known[key])
        fits = (int, float) if kind is float else (kind,)
        if not isinstance(value, fits) or (isinstance(value, bool) and kind is not bool):
            raise ConfigError(f"[{name}] {key} is {value!r}: expected {kind.__name__}.")
    return {**known, **given}


def _require_known(
    given: Mapping[str, Any], known: Mapping[str, Any], what: str, place: str
) -> None:
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ConfigError(f"Unknown {what} {unknown[0]} {place}; known: {', '.join(known)}.")


def _recipe(told: dict[str, Any]) -> LoraRecipe:
    chosen = {
        "branch": _choice("branch", told["branch"], Branch),
        "depth": _choice("depth", told["depth"], Depth),
        "alpha": float(told["alpha"] or told["rank"]),
    }
    return LoraRecipe(**{**told, **chosen})


def _choice(name: str, word: str, choices: type[Enum]) -> Enum:
    """By its name in small letters, or by the words of the node."""
    known = {choice.name.lower(): choice for choice in choices}
    words = {choice.value: choice for choice in choices}
    if word not in words:
        _one_of(f"[train] {name}", word, known)
    return words.get(word) or known[word]


def _one_of(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise ConfigError(f"{what} is {value}: choose {', '.join(known)}.")


def options() -> str:
    lines = []
    for section, known in SECTIONS.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {str(v).lower() if isinstance(v, bool) else repr(v)}"
                  for key, v in known.items()]  # fmt: skip
    return "\n".join(lines)
