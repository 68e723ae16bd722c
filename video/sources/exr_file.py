"""Pictures in OpenEXR files, which hold light, as display values."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from ..pictures.primaries import REC709, Primaries, from_rec709
from ..pictures.srgb import linear_to_srgb

NEARLY = 1e-3  # chromaticities that are this near are the same


def exr_size(path: Path) -> tuple[int, int]:
    """Height and width of the display window. Raises as `read_exr` does."""
    header = _opened(path, header_only=True).header()
    (left, top), (right, bottom) = header["displayWindow"]
    return int(bottom - top) + 1, int(right - left) + 1


def read_exr(path: Path, is_light: bool) -> Tensor:
    """(H, W, 3), or (H, W, 4) with straight alpha, in 0..1, values outside clamped.

    Where the file `is_light`, its primaries become Rec.709's and the sRGB curve is put on; else
    the values are taken as they are. What lies outside the display window is cropped, what is
    missing in it is black. Raises ImportError without the package OpenEXR 3.3 or newer, and
    ValueError for a file that is unreadable or has no channels R, G, B or Y.
    """
    file = _opened(path)
    channels, header = file.channels(), file.header()
    names = next((n for n in (("R", "G", "B"), ("Y",) * 3) if set(n) <= set(channels)), None)
    if names is None:
        raise ValueError(
            f"{path.name} has the channels {', '.join(sorted(channels))}, and not R, G and B: "
            "write the picture without a layer's name."
        )
    planes = [channels[name].pixels for name in (*names, *(("A",) if "A" in channels else ()))]
    pixels = torch.from_numpy(np.stack([plane.astype(np.float32) for plane in planes], axis=-1))
    picture, alpha = pixels[..., :3], pixels[..., 3:].clamp(0, 1)
    if alpha.numel():
        picture = torch.where(alpha > 0, picture / alpha.clamp_min(1e-6), picture)
    if is_light:
        picture = linear_to_srgb(picture @ _to_rec709(header).T)
    picture = torch.cat((picture.clamp(0, 1), alpha), dim=-1)
    return _in_display_window(picture, header)


def _in_display_window(picture: Tensor, header: dict) -> Tensor:
    (left, top), (right, bottom) = header["displayWindow"]
    (x, y), _ = header["dataWindow"]
    x, y, height, width = int(x - left), int(y - top), int(bottom - top) + 1, int(right - left) + 1
    if (x, y) == (0, 0) and picture.shape[:2] == (height, width):
        return picture
    whole = picture.new_zeros(height, width, picture.shape[-1])
    inner = picture[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
    y, x = max(0, y), max(0, x)
    whole[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return whole


def _to_rec709(header: dict) -> Tensor:
    told = header.get("chromaticities")
    if told is None or np.allclose(told, REC709.chromaticities, atol=NEARLY):
        return torch.eye(3)
    red, green, blue, white = zip(told[::2], told[1::2], strict=True)
    matrix = from_rec709(Primaries(red, green, blue, white, ""))
    return torch.from_numpy(np.linalg.inv(matrix)).float()


def _opened(path: Path, header_only: bool = False) -> object:
    """An `OpenEXR.File` whose channels have a name each."""
    openexr = _openexr(path)
    try:
        file = openexr.File(str(path), separate_channels=True, header_only=header_only)
        if file.parts:
            return file
    except (RuntimeError, ValueError, TypeError) as error:
        raise _unreadable(path) from error
    raise _unreadable(path)


def _unreadable(path: Path) -> ValueError:
    return ValueError(
        f"{path.name} cannot be read as an OpenEXR picture: it is truncated or damaged; write it "
        "again."
    )


def _openexr(path: Path) -> ModuleType:
    """Only who reads EXR needs it."""
    advice = "install it with: pip install 'OpenEXR>=3.3'"
    try:
        import OpenEXR
    except ImportError as error:
        raise ImportError(
            f"{path.name} is an OpenEXR picture, and the package OpenEXR is missing: {advice}"
        ) from error
    if not hasattr(OpenEXR, "File"):
        raise ImportError(f"{path.name} needs OpenEXR 3.3 or newer, and it is older: {advice}")
    return OpenEXR
