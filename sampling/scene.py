"""The picture laid out in front of the camera: what the first frame shows, and what lies beyond."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .framing import Fit, fit_picture

SMALLEST_SIDE = 64
DEPTH_RANGE = 4.0  # how much further the furthest point is than the nearest


@dataclass(frozen=True)
class Scene:
    """`pixels` (1, 3, h, w) in 0..1, at the film's resolution but perhaps larger than its frame.

    `left`, `top`: where the frame of `width` x `height` lies in it. `depth` (h, w) is the distance
    of every pixel with the subject at 1, or None when it is not known.
    """

    pixels: Tensor
    left: int
    top: int
    width: int
    height: int
    depth: Tensor | None = None

    def frame(self) -> Tensor:
        """(height, width, 3): what the first frame shows."""
        below, right = self.top + self.height, self.left + self.width
        return self.pixels[0, :, self.top : below, self.left : right].movedim(0, -1)

    def to_pixels(self) -> Tensor:
        """(3, 3) float64: image coordinates of the first frame to pixels of the scene."""
        x, y = self.left + (self.width - 1) / 2, self.top + (self.height - 1) / 2
        rows = [[self.width, 0, x], [0, self.width, y], [0, 0, 1]]
        return torch.tensor(rows, dtype=torch.float64)

    def frame_pixels(self) -> Tensor:
        """(3, 3) float64: image coordinates to pixels of the frame."""
        x, y = (self.width - 1) / 2, (self.height - 1) / 2
        rows = [[self.width, 0, x], [0, self.width, y], [0, 0, 1]]
        return torch.tensor(rows, dtype=torch.float64)

    def on(self, device: torch.device) -> Scene:
        depth = None if self.depth is None else self.depth.to(device)
        return replace(self, pixels=self.pixels.to(device), depth=depth)


def lay_out(
    picture: Tensor, width: int, height: int, fit: Fit, depth: Tensor | None = None
) -> Scene:
    """The scene whose first frame is exactly `fit_picture(picture, width, height, fit)`.

    `picture` (1, H, W, 3). Where cover cuts the edges off, the scene keeps them: a pan finds them
    again. `depth` (H', W') of the same proportions, any size.
    Raises ValueError for a picture with a side below 64 pixels or depth of other proportions.
    """
    require_size(picture)
    h, w = picture.shape[1:3]
    if depth is not None:
        require_same_proportions(depth, picture)
    if fit is not Fit.COVER:
        frame = fit_picture(picture, width, height, fit)
        laid = None if depth is None else _fit_depth(depth, width, height, fit)
        return Scene(frame.movedim(-1, 1), 0, 0, width, height, laid)
    scale = max(width / w, height / h)
    scaled_w, scaled_h = max(width, round(w * scale)), max(height, round(h * scale))
    pixels = fit_picture(picture, scaled_w, scaled_h, Fit.STRETCH).movedim(-1, 1)
    laid = None if depth is None else _resize_depth(depth, scaled_w, scaled_h)
    left, top = (scaled_w - width) // 2, (scaled_h - height) // 2
    return Scene(pixels, left, top, width, height, laid)


def require_size(picture: Tensor) -> None:
    h, w = picture.shape[1:3]
    if min(h, w) < SMALLEST_SIDE:
        raise ValueError(
            f"The picture is {w}x{h} pixels; a camera needs at least {SMALLEST_SIDE} on each side: "
            "upscale it first or choose a larger one."
        )


def require_same_proportions(depth: Tensor, picture: Tensor) -> None:
    (h, w), (dh, dw) = picture.shape[1:3], depth.shape
    if abs(dw / dh - w / h) > 0.02 * w / h:
        raise ValueError(
            f"The depth map is {dw}x{dh} and the picture {w}x{h}: they must have the same "
            "proportions. Make the depth from this very picture."
        )


def depth_from_image(image: Tensor, near_is_white: bool, depth_range: float) -> Tensor:
    """Distances (H, W) with the median at 1, from a depth IMAGE (1, H, W, C) in 0..1.

    Depth nodes give inverse depth up to scale and shift (Ranftl et al. 2020), near white; the
    furthest point is taken to be `depth_range` times as far as the nearest.
    Raises ValueError when the map holds no numbers or nothing but one value.
    """
    nearness = image[0, ..., :3].float().mean(-1)
    if not bool(torch.isfinite(nearness).all()):
        raise ValueError("The depth map holds NaN or infinity: make it again.")
    nearness = nearness if near_is_white else 1 - nearness
    low, high = nearness.min(), nearness.max()
    if high - low < 1e-6:
        raise ValueError(
            "The depth map is of one value everywhere, which says nothing: disconnect it to take "
            "the picture as a plane."
        )
    inverse = 1 + (nearness - low) / (high - low) * (depth_range - 1)
    return inverse.median() / inverse


def _resize_depth(depth: Tensor, width: int, height: int) -> Tensor:
    resized = F.interpolate(depth[None, None], size=(height, width), mode="bilinear")
    return resized[0, 0]


def _fit_depth(depth: Tensor, width: int, height: int, fit: Fit) -> Tensor:
    """Depth under the picture; bars of contain are as far as the furthest point."""
    far = depth.max()
    as_image = (depth / far)[None, ..., None].expand(-1, -1, -1, 3)
    laid = fit_picture(as_image, width, height, fit)[0, ..., 0]
    return torch.where(laid > 0.01, laid, torch.ones_like(laid)) * far
