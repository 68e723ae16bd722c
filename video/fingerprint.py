"""Whether two renders would give the same frames, told without making them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

PLAIN = (str, int, float, bool, Fraction, type(None))


def fingerprint(*parts: object) -> str:
    """A hash of text, numbers, enums, tensors, and tuples, mappings and dataclasses of them.

    The same in every process. Raises TypeError for anything else: an object's address would make
    every run look new.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        for piece in _pieces(part):
            digest.update(piece)
    return digest.hexdigest()


def file_fingerprint(path: Path) -> str:
    """The hash of a file's bytes."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(2**22):
            digest.update(block)
    return digest.hexdigest()


def _pieces(part: object) -> Iterator[bytes]:
    if isinstance(part, Enum):
        part = part.value
    if isinstance(part, PLAIN):
        yield f"{type(part).__name__}:{part!r};".encode()
    elif isinstance(part, Tensor):
        yield f"tensor:{part.dtype}:{tuple(part.shape)};".encode()
        yield from _bytes_of(part.detach())
    else:
        items = _items(part)
        yield f"{type(part).__name__}:{len(items)}[".encode()
        for item in items:
            yield from _pieces(item)


def _items(part: object) -> list[object]:
    if isinstance(part, tuple | list):
        return list(part)
    if isinstance(part, Mapping):
        return [item for key in sorted(part) for item in (key, part[key])]
    if is_dataclass(part):
        return [getattr(part, field.name) for field in fields(part)]
    raise TypeError(f"A {type(part).__name__} has no fingerprint: give its parts.")


def _bytes_of(tensor: Tensor) -> Iterator[bytes]:
    """In pieces, so that a film in memory is not there twice."""
    for piece in tensor if tensor.ndim > 1 else [tensor]:
        yield piece.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
