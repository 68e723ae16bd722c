"""A file that a graph names and that is not here is refused before anything runs.

ComfyUI 0.3.75 does not look at the choices of nodes in its newer schema; later versions do.
"""

from __future__ import annotations

from collections.abc import Sequence


def is_offered(name: str | None, offered: Sequence[str], folder: str) -> bool | str:
    """True, or the sentence for the user; `offered` begins with what needs no file.

    A name that comes over a wire, None, is not known before the graph runs.
    """
    if name is None or name in offered:
        return True
    return (
        f"There is no {name} in ComfyUI's models/{folder}: put it there and press R, or choose "
        f"{offered[0]!r}, which needs no file."
    )
