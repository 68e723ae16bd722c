"""A picture as a camera path would show it, with what it does not show hatched."""

from __future__ import annotations

import torch
from torch import Tensor

from .camera import CameraPath
from .framing import Fit
from .guide import render_guide
from .scene import lay_out

STRIPE = 6  # pixels across
DIMMED = 0.3  # what a guide puts there, so dark
GREYS = (0.13, 0.05)  # of the two stripes, over that


def preview_path(
    picture: Tensor,
    path: CameraPath,
    num_frames: int,
    width: int,
    height: int = 0,
    depth: Tensor | None = None,
) -> Tensor:
    """Frames (T, height, width, 3) in 0..1 of `picture` (1, H, W, 3).

    Height 0 keeps the picture's proportions; another cuts it as cover does, and what was cut off is
    seen when the camera looks there. `depth` (H', W') as in `lay_out`. Raises ValueError as
    `lay_out` does.
    """
    if not height:
        height = max(1, round(width * picture.shape[1] / picture.shape[2]))
    scene = lay_out(picture, width, height, Fit.COVER, depth)
    guide = render_guide(scene, path, num_frames)
    return hatch(guide.frames, guide.holes)


def hatch(frames: Tensor, holes: Tensor) -> Tensor:
    """`frames` (T, H, W, 3) with dark stripes where `holes` (T, H, W) are 1."""
    height, width = holes.shape[1:]
    diagonal = torch.arange(height)[:, None] + torch.arange(width)
    stripes = torch.where(diagonal // STRIPE % 2 == 0, *GREYS).to(frames.dtype)[..., None]
    hidden = holes[..., None].to(frames.dtype)
    return frames * (1 - hidden) + (frames * DIMMED + stripes) * hidden
