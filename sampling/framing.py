"""How a picture becomes the sizes that the networks see."""

from __future__ import annotations

from enum import Enum

import torch
import torch.nn.functional as F
from kornia.geometry.transform import resize
from torch import Tensor

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class Fit(str, Enum):
    """What to do when the picture's proportions are not the film's."""

    COVER = "cover"
    CONTAIN = "contain"
    STRETCH = "stretch"


def composite(image: Tensor) -> Tensor:
    """RGB (B, H, W, 3) of an image with 1, 3 or 4 channels; alpha is laid over black."""
    channels = image.shape[-1]
    if channels == 1:
        return image.expand(*image.shape[:-1], 3)
    if channels == 4:
        return image[..., :3] * image[..., 3:]
    if channels != 3:
        raise ValueError(f"The picture has {channels} channels; expected grey, RGB or RGBA.")
    return image


def fit_picture(image: Tensor, width: int, height: int, fit: Fit) -> Tensor:
    """Resize (B, H, W, 3) to (B, height, width, 3) without aliasing.

    cover fills the frame and cuts the centre, contain adds black bars, stretch distorts.
    """
    h, w = image.shape[1:3]
    if (h, w) == (height, width):
        return image
    if fit is Fit.STRETCH:
        return _resample(image, width, height)
    choose = max if fit is Fit.COVER else min
    scale = choose(width / w, height / h)
    scaled = _resample(image, max(1, round(w * scale)), max(1, round(h * scale)))
    left, top = (width - scaled.shape[2]) // 2, (height - scaled.shape[1]) // 2
    right, bottom = width - scaled.shape[2] - left, height - scaled.shape[1] - top
    return F.pad(scaled, (0, 0, left, right, top, bottom))  # negative padding cuts


def _resample(image: Tensor, width: int, height: int) -> Tensor:
    x = image.movedim(-1, 1)
    x = F.interpolate(x, size=(height, width), mode="bicubic", antialias=True)
    return x.clamp(0, 1).movedim(1, -1)


def whole_picture_for_clip(images: Tensor, size: int = 224) -> Tensor:
    """The whole picture squashed to a square, as SVD was trained: blurred, then bicubic.

    `images` (B, H, W, 3) in 0..1 -> (B, 3, size, size), normalised for CLIP. The same arithmetic
    as Stability's generative-models, which calls kornia with these options.
    """
    x = images.movedim(-1, 1).float() * 2 - 1
    x = resize(x, (size, size), interpolation="bicubic", align_corners=True, antialias=True)
    mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device) for v in (CLIP_MEAN, CLIP_STD))
    return ((x + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
