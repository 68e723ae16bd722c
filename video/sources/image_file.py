"""One picture of a sequence: its size without its pixels, and its pixels."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, ImageFileDirectory_v2
from torch import Tensor

from ...drawing import opencv as cv2
from .exr_file import exr_size, read_exr

TIFF = frozenset({".tif", ".tiff"})
# What Pillow has no 16-bit RGB for.
DEEP = TIFF | {".png"}
SUFFIXES = DEEP | {".exr", ".jpg", ".jpeg", ".webp", ".bmp"}
# What a whole file has at its end; readers fill a truncated one up with grey or black.
ENDS = {".png": b"IEND", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9"}
END_BYTES = 4096  # some programs write more behind it
STRIPS, TILES = (273, 279), (324, 325)  # tags of TIFF: where the pixels are, how many bytes
TURNED = frozenset({5, 6, 7, 8})  # orientations of EXIF that swap the sides
EXIF_ORIENTATION = 0x0112


def size_of(path: Path) -> tuple[int, int]:
    """Height and width, from the file's header.

    Raises ValueError for an unreadable or truncated file.
    """
    suffix = path.suffix.lower()
    if suffix == ".exr":
        return exr_size(path)
    try:
        if suffix in TIFF:  # Pillow reads the headers of TIFF files that it cannot read
            return _tiff_size(path)
        with Image.open(path) as image:
            height, width = image.height, image.width
            turned = suffix not in DEEP and image.getexif().get(EXIF_ORIENTATION) in TURNED
    except (OSError, SyntaxError, KeyError) as error:
        raise _unreadable(path) from error
    if ENDS.get(suffix, b"") not in _last_bytes(path):
        raise _unreadable(path)
    return (width, height) if turned else (height, width)


def read_picture(path: Path, exr_is_light: bool = True) -> Tensor:
    """(H, W, 3), or (H, W, 4) with straight alpha, float32 in 0..1.

    Integers become parts of their largest value, floats of TIFF files are clamped. EXR files hold
    light, which becomes sRGB (see `read_exr`), unless told otherwise. Raises ValueError for an
    unreadable file, ImportError where OpenEXR is missing.
    """
    suffix = path.suffix.lower()
    if suffix == ".exr":
        return read_exr(path, exr_is_light)
    pixels = _deep_pixels(path) if suffix in DEEP else _plain_pixels(path)
    if pixels.dtype == np.uint8 or pixels.dtype == np.uint16:
        values = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    else:
        values = pixels.astype(np.float32).clip(0, 1)
    return torch.from_numpy(np.ascontiguousarray(values))


def _deep_pixels(path: Path) -> np.ndarray:
    # Read here and not by OpenCV, which takes no path outside the system's code page on Windows.
    data = np.fromfile(path, np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise _unreadable(path)
    codes = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    if pixels.ndim == 2:
        return np.stack([pixels] * 3, axis=-1)
    return cv2.cvtColor(pixels, codes[pixels.shape[-1]])


def _plain_pixels(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise _unreadable(path) from error


def _tiff_size(path: Path) -> tuple[int, int]:
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tags that say nothing about the size
        directory = ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
        for starts, sizes in (STRIPS, TILES):
            ends = zip(directory.get(starts, ()), directory.get(sizes, ()), strict=False)
            if any(start + size > path.stat().st_size for start, size in ends):
                raise _unreadable(path)
        return int(directory[IMAGELENGTH]), int(directory[IMAGEWIDTH])


def _last_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_BYTES))
        return file.read()


def _unreadable(path: Path) -> ValueError:
    return ValueError(
        f"{path.name} cannot be read as a picture: it is truncated, damaged or of an unknown "
        "kind; write it again as PNG, TIFF, EXR or JPEG."
    )
