"""A frame into a picture file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from ...drawing import opencv as cv2
from ..disk import clear_disk_errors
from .codes import checked_frame, codes, over_black
from .exr import encode_exr
from .kinds import PictureFile, PictureKind
from .png import encode_png
from .tiff import encode_tiff

JPEG_QUALITY = 95


def write_picture(
    frame: Tensor,
    path: Path,
    kind: PictureKind,
    metadata: Mapping[str, str],
    rate: Fraction | None = None,
) -> None:
    """Write `frame` (H, W, 3 or 4) float on any device to the file `path`.

    The frame is sRGB in 0..1 with straight alpha. PNG and TIFF hold it so, clamped and rounded
    once; EXR holds light (see `encode_exr`), and takes values above 1 and below 0; JPEG, for
    posters, has no alpha and no metadata. `metadata` become text chunks of a PNG, the description
    of a TIFF, attributes of an EXR. `rate` in frames per second is for EXR alone.

    The file is there as a whole or not at all, and takes the place of another one of its name.
    Raises ValueError for a frame that is none or has NaN, ImportError for EXR without its package,
    and OSError as `clear_disk_errors` words it.
    """
    checked_frame(frame, path.name)
    write_whole(path, _encode(frame, kind, metadata, rate))


def _encode(
    frame: Tensor, kind: PictureKind, metadata: Mapping[str, str], rate: Fraction | None
) -> bytes | memoryview:
    if kind.file is PictureFile.EXR:
        return encode_exr(frame, kind, metadata, rate)
    if kind.file is PictureFile.JPEG:
        return _encode_jpeg(over_black(frame))
    pixels = codes(frame, kind.bits)
    if kind.file is PictureFile.PNG:
        return encode_png(pixels, metadata)
    return encode_tiff(pixels, metadata)


def _encode_jpeg(frame: Tensor) -> memoryview:
    whole_colour = [
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        cv2.IMWRITE_JPEG_QUALITY,
        JPEG_QUALITY,
    ]
    _, encoded = cv2.imencode(".jpg", codes(frame, 8)[..., ::-1], whole_colour)
    return encoded.data


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Give `path` the content `data` in one step, in place of what may be there.

    Unfinished work has one name for one `path`, so that a render that was killed leaves nothing
    behind once it has gone on. Raises OSError as `clear_disk_errors` words it.
    """
    temp = path.with_name(f".{path.name}.part")
    try:
        with clear_disk_errors(temp):
            with temp.open("wb") as file:
                file.write(data)
                file.flush()
                # Network disks and quotas may only complain now.
                os.fsync(file.fileno())
            os.replace(temp, path)
    finally:
        with suppress(OSError):
            temp.unlink()
