"""RGB to what a film stores: BT.709 or BT.2020 YCbCr of limited range, or RGB itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import av
import numpy as np
import torch
from torch import Tensor

from . import hdr
from .formats import Colour

# Luma weights of red and blue: ITU-R BT.709-6, item 3.2, and BT.2020-2, table 4.
LUMA_WEIGHTS = {
    Colour.BT709: (0.2126, 0.0722),
    Colour.HDR10: (0.2627, 0.0593),
    Colour.HLG: (0.2627, 0.0593),
}
TRANSFERS = {Colour.HDR10: hdr.to_pq, Colour.HLG: hdr.to_hlg}

# For 8 bits; deeper ones multiply: ITU-R BT.709-6, item 3.4.
BLACK, LUMA_SPAN = 16, 219
NEUTRAL, CHROMA_SPAN = 128, 224

# Rows that are converted at once, even: a whole UHD frame would need 0.4 GiB on the way.
STRIP = 128


@dataclass(frozen=True)
class Layout:
    """How an FFmpeg pixel format keeps a picture: which planes, how deep, and with what chroma.

    Raises ValueError for a format that is not planar, or that this PyAV does not know.
    """

    pix_fmt: str

    def __post_init__(self) -> None:
        if not self._format.is_planar or self._format.is_big_endian:
            raise ValueError(
                f"the pixel format {self.pix_fmt} is not planar and little-endian: choose one "
                "such as yuv420p, yuv422p10le or gbrp16le"
            )

    @cached_property
    def _format(self) -> av.VideoFormat:
        return av.VideoFormat(self.pix_fmt, 16, 16)

    @cached_property
    def is_rgb(self) -> bool:
        return self._format.is_rgb

    @cached_property
    def has_alpha(self) -> bool:
        return any(component.is_alpha for component in self._format.components)

    @cached_property
    def bits(self) -> int:
        return self._format.components[0].bits

    @cached_property
    def halved(self) -> tuple[bool, bool]:
        """Whether chroma has half the rows, and half the columns."""
        chroma = self._format.components[1]
        return chroma.height < 16, chroma.width < 16

    @cached_property
    def order(self) -> list[int]:
        """The plane of each component: R, G, B or Y, Cb, Cr, and alpha."""
        return [component.plane for component in self._format.components]

    def stored_size(self, height: int, width: int) -> tuple[int, int]:
        """`height` and `width`, made even where chroma comes in pairs."""
        rows, columns = self.halved
        return height + (height % 2 if rows else 0), width + (width % 2 if columns else 0)


def planes(frame: Tensor, layout: Layout, colour: Colour) -> list[np.ndarray]:
    """The planes of one frame, uint8 or uint16 (rows, columns) each.

    `frame` (H, W, 3 or 4) float, clamped to 0..1, on any device; 4 channels where the layout has
    alpha. An odd side gets its last row or column twice where chroma comes in pairs. The floats are
    rounded once, here, at the film's own depth: a detour over 8-bit RGB would round them twice.
    """
    strips = [
        _strip_planes(_whole_pairs(frame[row : row + STRIP], layout), layout, colour)
        for row in range(0, len(frame), STRIP)
    ]
    parts = [np.concatenate(rows) for rows in zip(*strips, strict=True)]
    return [part for _, part in sorted(zip(layout.order, parts, strict=True), key=lambda of: of[0])]


def _strip_planes(strip: Tensor, layout: Layout, colour: Colour) -> list[np.ndarray]:
    """In the order of the components."""
    picture = strip.detach().float().clamp(0, 1)
    rgb, alpha = picture[..., :3], picture[..., 3:]
    if colour in TRANSFERS:
        rgb = TRANSFERS[colour](rgb)
    largest = 2**layout.bits - 1
    if layout.is_rgb:
        levels = [channel * largest for channel in rgb.unbind(-1)]
    else:
        levels = _ycbcr(rgb, layout, colour)
    if layout.has_alpha:
        levels.append(alpha[..., 0] * largest)
    return [_codes(level, layout.bits) for level in levels]


def _ycbcr(rgb: Tensor, layout: Layout, colour: Colour) -> list[Tensor]:
    red, blue = LUMA_WEIGHTS[colour]
    deeper = 2 ** (layout.bits - 8)
    luma = _luma(rgb, red, blue)
    small = _halved(rgb, *layout.halved)
    neutral = _luma(small, red, blue)
    cb = (small[..., 2] - neutral) / (2 * (1 - blue))
    cr = (small[..., 0] - neutral) / (2 * (1 - red))
    return [
        (luma * LUMA_SPAN + BLACK) * deeper,
        (cb * CHROMA_SPAN + NEUTRAL) * deeper,
        (cr * CHROMA_SPAN + NEUTRAL) * deeper,
    ]


def _luma(rgb: Tensor, red: float, blue: float) -> Tensor:
    return red * rgb[..., 0] + (1 - red - blue) * rgb[..., 1] + blue * rgb[..., 2]


def _codes(levels: Tensor, bits: int) -> np.ndarray:
    if bits == 8:
        return levels.round().to(torch.uint8).cpu().numpy()
    return levels.round().to(torch.int32).cpu().numpy().astype(np.uint16)


def _whole_pairs(strip: Tensor, layout: Layout) -> Tensor:
    height, width, _ = strip.shape
    even_height, even_width = layout.stored_size(height, width)
    if even_height > height:
        strip = torch.cat((strip, strip[-1:]), dim=0)
    if even_width > width:
        strip = torch.cat((strip, strip[:, -1:]), dim=1)
    return strip


def _halved(rgb: Tensor, rows: bool, columns: bool) -> Tensor:
    """(H, W, 3) where films keep chroma: between two rows, and on the left column of a pair."""
    if rows:
        rgb = (rgb[0::2] + rgb[1::2]) / 2
    if columns:
        here, right = rgb[:, 0::2], rgb[:, 1::2]
        left = torch.cat((here[:, :1], right[:, :-1]), dim=1)
        rgb = left / 4 + here / 2 + right / 4
    return rgb
