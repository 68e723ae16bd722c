"""The picture under the camera editor, where a page can fetch it."""

from __future__ import annotations

import hashlib
import sys
from io import BytesIO
from pathlib import Path

import folder_paths
import torch
from PIL import Image

from ..sampling.framing import Fit, composite, fit_picture

LARGEST_SIDE = 960  # as large as the editor shows it


def shown_in_editor(picture: torch.Tensor | None) -> dict | None:
    """What the node tells the page of `picture` (B, H, W, C); None where there is no page."""
    server = getattr(sys.modules.get("server"), "PromptServer", None)
    if picture is None or getattr(server, "instance", None) is None:
        return None
    name = keep(picture, Path(folder_paths.get_temp_directory()))
    return {"svd_picture": [{"filename": name, "subfolder": "", "type": "temp"}]}


def keep(picture: torch.Tensor, folder: Path) -> str:
    """The name of a small JPEG of the first picture, written into `folder` once."""
    first = composite(picture[:1].float().cpu())
    height, width = first.shape[1:3]
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = (fit_picture(first, *size, Fit.STRETCH)[0].clamp(0, 1) * 255).round().byte().numpy()
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    name = f"svd_camera_{hashlib.sha256(file.getvalue()).hexdigest()[:16]}.jpg"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).exists():
        (folder / name).write_bytes(file.getvalue())
    return name
