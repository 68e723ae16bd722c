"""OpenCV, imported by its first use: of what the pack needs, all that ComfyUI has not imported.

Say `from ..drawing import opencv as cv2`, and leave it out of what runs at import, such as default
arguments.
"""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever OpenCV has
    return getattr(importlib.import_module("cv2"), name)
