"""A soft band of light that crosses a still picture, as it does over a product on a turntable."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .conditioning import FilmShape
from .easing import Ease
from .framing import Fit, fit_picture

DAYLIGHT = 6500.0  # kelvin: the white of sRGB, at which light has no colour
COLDEST, WARMEST = 12000.0, 2000.0
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear Rec. 709
NEARLY_WHITE = 1e-4
ALIKE = 0.02  # of the proportions of mask and picture

# XYZ to linear Rec. 709 (IEC 61966-2-1).
TO_RGB = (
    (3.2406, -1.5372, -0.4986),
    (-0.9689, 1.8758, 0.0415),
    (0.0557, -0.2040, 1.0570),
)


@dataclass(frozen=True)
class LightSweep:
    """`direction`: where the band goes, degrees, 0 to the right and 90 up. `width`: of the
    picture's extent that way, above 0. `stops`: how much brighter its middle is. `kelvin`: its
    colour. `sheen`: what the surface itself reflects, as a share of white, so that black things
    shine too. The band enters at `start` and has left at `end`, 0 the first frame and 1 the last.

    Raises ValueError for a width, strength, colour or time out of range.
    """

    direction: float = -20.0
    width: float = 0.4
    stops: float = 1.5
    kelvin: float = DAYLIGHT
    sheen: float = 0.01
    start: float = 0.0
    end: float = 1.0
    ease: Ease = Ease.LINEAR

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise ValueError(f"The band of light is {self.width:g} wide: use more than 0.")
        if not self.stops >= 0:
            raise ValueError(
                f"The light is {self.stops:g} stops brighter: use 0 or more; it cannot darken."
            )
        if not WARMEST <= self.kelvin <= COLDEST:
            raise ValueError(
                f"The light has {self.kelvin:g} kelvin: use {WARMEST:g} (candle) to {COLDEST:g} "
                "(blue sky); 6500 is white."
            )
        if not 0 <= self.start < self.end <= 1:
            raise ValueError(
                f"The light enters at {self.start:g} and leaves at {self.end:g} of the clip: the "
                "end must be after the start, both from 0 to 1."
            )

    def progress(self, num_frames: int) -> list[float]:
        """Of every frame: 0 before the band, 1 when it has passed."""
        times = (frame / max(1, num_frames - 1) for frame in range(num_frames))
        return [
            self.ease.at(min(1.0, max(0.0, (time - self.start) / (self.end - self.start))))
            for time in times
        ]

    def band(self, height: int, width: int, progress: float) -> Tensor:
        """(height, width): 1 in the middle of the band, 0 outside of it, a raised cosine between.

        At progress 0 and 1 it lies just beside the picture.
        """
        angle = math.radians(self.direction)
        right, up = math.cos(angle), math.sin(angle)
        ys, xs = torch.meshgrid(
            torch.arange(height) - (height - 1) / 2,
            torch.arange(width) - (width - 1) / 2,
            indexing="ij",
        )
        extent = (width * abs(right) + height * abs(up)) / 2
        along = (xs * right - ys * up) / extent
        middle = (2 * progress - 1) * (1 + self.width)
        away = ((along - middle) / self.width).clamp(-1, 1)
        return (1 + torch.cos(math.pi * away)) / 2


def sweep(light: Tensor, lamp: LightSweep, num_frames: int, where: Tensor | None = None) -> Tensor:
    """(num_frames, H, W, 3) of linear light, the picture `light` (H, W, 3) in 0..1 under `lamp`.

    `where` (H, W) in 0..1: how much of the light falls there. Frames without light are the
    picture itself. An addition a to the tone x becomes r a / (r + a) with the room r = 1 - x to
    white, Reinhard's curve: dark tones get all of it, nothing is clipped, and tones keep their
    order.
    """
    height, width = light.shape[:2]
    added = (light + lamp.sheen) * (2**lamp.stops - 1) * tint(lamp.kelvin).to(light)
    if where is not None:
        added = added * where[..., None].to(light)
    room = (1 - light).clamp(min=NEARLY_WHITE)
    bands = [lamp.band(height, width, progress) for progress in lamp.progress(num_frames)]
    more = (added * band[..., None].to(light) for band in bands)
    return torch.stack([light + room * each / (room + each) for each in more]).clamp(0, 1)


def tint(kelvin: float) -> Tensor:
    """(3,) linear Rec. 709 of a black body, with luminance 1; (1, 1, 1) at 6500 kelvin."""
    colour = _black_body(kelvin) / _black_body(DAYLIGHT)
    return colour / (colour * torch.tensor(LUMINANCE)).sum()


def _black_body(kelvin: float) -> Tensor:
    """Of luminance 1. The Planckian locus by the cubics of Kim et al. (US patent 7024034)."""
    t = 1000 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    rgb = torch.tensor(TO_RGB) @ torch.tensor([x / y, 1.0, (1 - x - y) / y])
    return rgb.clamp(min=0)


def lit_part(mask: Tensor, picture: Tensor, film: FilmShape, fit: Fit) -> Tensor:
    """(height, width) of the first mask, laid over the film as the picture is.

    `mask` (N, h, w) in 0..1 and `picture` (1, H, W, C). Raises ValueError where their proportions
    differ.
    """
    (h, w), (picture_h, picture_w) = mask.shape[1:3], picture.shape[1:3]
    if abs(w / h - picture_w / picture_h) > ALIKE * picture_w / picture_h:
        raise ValueError(
            f"The mask is {w}x{h} and the picture {picture_w}x{picture_h}: they must have the same "
            "proportions. Paint the mask on this very picture."
        )
    as_image = mask[:1, ..., None].float().expand(-1, -1, -1, 3)
    return fit_picture(as_image, film.width, film.height, fit)[0, ..., 0]
