"""A decoded frame of a film to RGB, in one step of float arithmetic.

FFmpeg's own way to 16-bit RGB puts white at 65283 of 65535, and its way to 8-bit rounds twice
(PyAV 18.1); this one does neither.
"""

from __future__ import annotations

import re

import av
import numpy as np
import torch
import torch.nn.functional as F
from av.video.format import VideoFormatComponent
from torch import Tensor

from ...drawing import opencv as cv2

# Weights of red and blue in luma, by the matrix numbers of ITU-T H.273.
WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
    10: (0.2627, 0.0593),
}
BT709, BT601 = 1, 6
LEAST_HD_LINES = 720  # from here on, a film without a tag is taken for BT.709
FULL_RANGE = 2  # FFmpeg's number
FLOAT_BITS = 32
BAND = 128  # rows at a time: what lies between codes and colours stays in the cache

# Formats whose every component is a plane of its own: these are read as they are.
PLANES = re.compile(r"(yuva?4\d\dp|yuvj4\d\dp|gbra?p|gray)(\d+[lb]e|f32[lb]e)?")


def rgb_of(frame: av.VideoFrame) -> Tensor:
    """(H, W, 3), or (H, W, 4) with straight alpha, float32 in 0..1.

    With the matrix and the range that the frame is tagged with; without a tag BT.709 from 720
    lines on and BT.601 below, limited range. The transfer curve is left alone.
    """
    frame = _in_planes(frame)
    pixels = np.empty((frame.height, frame.width, 3 + has_alpha(frame.format)), np.float32)
    for top in range(0, frame.height, BAND):
        band = range(top, min(top + BAND, frame.height))
        colours = [colour.numpy() for colour in _colours(frame, band)]
        cv2.merge(colours, pixels[band.start : band.stop])  # three times as fast as torch.stack
    return torch.from_numpy(pixels)


def has_alpha(kind: av.VideoFormat) -> bool:
    """Whether frames of this format come out with 4 channels."""
    return kind.has_palette or any(component.is_alpha for component in kind.components)


def _in_planes(frame: av.VideoFrame) -> av.VideoFrame:
    if PLANES.fullmatch(frame.format.name):
        return frame
    return frame.reformat(format=_planar_twin(frame.format))


def _planar_twin(kind: av.VideoFormat) -> str:
    """The format with the same values, each component in a plane of its own."""
    parts = kind.components
    bits = max(8, *(part.bits for part in parts))
    depth = "" if bits == 8 else f"{bits}le"
    alpha = "a" if has_alpha(kind) else ""
    if len(parts) == 1 and not kind.has_palette:
        return f"gray{depth}"
    if kind.is_rgb or kind.has_palette or len(parts) == 2 or kind.name.startswith("xyz"):
        return f"gbr{alpha}p{depth}"
    narrow = parts[0].width // parts[1].width
    low = parts[0].height // parts[1].height
    sampling = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "411", (4, 4): "410"}
    return f"yuv{alpha}{sampling[narrow, low]}p{depth}"


def _colours(frame: av.VideoFrame, band: range) -> list[Tensor]:
    """Red, green, blue and, where there is one, alpha (h, w) of the rows in `band`."""
    kind = frame.format
    count = len(kind.components) - has_alpha(kind)
    if count == 1 or kind.is_rgb:
        colours = [_plane(frame, index, band).clamp_(0, 1) for index in range(count)]
        colours *= 3 // count
    else:
        colours = _rgb(frame, band)
    return [*colours, _plane(frame, count, band)] if has_alpha(kind) else colours


def _plane(frame: av.VideoFrame, index: int, rows: range) -> Tensor:
    """Rows of a component (h, w) float32: 0..1 from black to white, chroma -0.5..0.5."""
    kind, component = frame.format, frame.format.components[index]
    values = _codes(frame.planes[component.plane], component, kind.is_big_endian, rows)
    if component.bits == FLOAT_BITS:
        return values
    is_chroma = index in (1, 2) and not kind.is_rgb
    is_limited = _is_limited(frame) and not component.is_alpha
    step, top = 2.0 ** (component.bits - 8), 2.0**component.bits - 1
    black, span = (16 * step, (224 if is_chroma else 219) * step) if is_limited else (0.0, top)
    return values.sub_(128 * step if is_chroma else black).div_(span)


def _codes(
    plane: av.VideoPlane, component: VideoFormatComponent, big_endian: bool, rows: range
) -> Tensor:
    letter = {8: "u1", 32: "f4"}.get(component.bits, "u2")
    kind = np.dtype(letter).newbyteorder(">" if big_endian else "<")
    codes = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return torch.from_numpy(codes[rows.start : rows.stop, : component.width].astype(np.float32))


def _is_limited(frame: av.VideoFrame) -> bool:
    kind = frame.format
    is_yuv = kind.name.startswith("yuv") and not kind.name.startswith("yuvj")
    return is_yuv and frame.color_range != FULL_RANGE


def _weights(frame: av.VideoFrame) -> tuple[float, float]:
    guess = BT709 if frame.height >= LEAST_HD_LINES else BT601
    return WEIGHTS.get(int(frame.colorspace), WEIGHTS[guess])


def _rgb(frame: av.VideoFrame, band: range) -> list[Tensor]:
    luma = _plane(frame, 0, band)
    small = frame.format.components[1].height
    low = -(-frame.height // small)  # rows of luma for one of chroma
    # One row more on either side, to interpolate with.
    rows = range(max(0, band.start // low - 1), min(small, -(-band.stop // low) + 1))
    cb, cr = (_plane(frame, index, rows) for index in (1, 2))
    red, blue = _weights(frame)
    r, b = cr * (2 * (1 - red)), cb * (2 * (1 - blue))
    g = (r * red + b * blue) / (red + blue - 1)
    first = band.start - rows.start * low
    large = (_as_large(colour, low, frame.width)[first : first + len(band)] for colour in (r, g, b))
    return [colour.add_(luma).clamp_(0, 1) for colour in large]


def _as_large(chroma: Tensor, low: int, width: int) -> Tensor:
    """Chroma (h, w) at every pixel: between rows, and on the left column, as H.264 places it."""
    if low > 1:
        chroma = F.interpolate(
            chroma[None, None], scale_factor=(low, 1), mode="bilinear", align_corners=False
        )[0, 0]
    while chroma.shape[1] < width:
        wide = chroma.new_empty(chroma.shape[0], 2 * chroma.shape[1])
        wide[:, ::2] = chroma
        wide[:, 1:-1:2] = torch.lerp(chroma[:, :-1], chroma[:, 1:], 0.5)
        wide[:, -1] = chroma[:, -1]
        chroma = wide
    return chroma[:, :width]
