"""Scene-linear half floats in OpenEXR files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from .kinds import Compression, PictureKind
from .primaries import SceneLinear, from_rec709
from .srgb import srgb_to_linear

# The first that can write anywhere but to a path; by path a full disk goes unnoticed (3.5.3).
OLDEST = (3, 5)
LARGEST_HALF = 65504.0


def encode_exr(
    frame: Tensor, kind: PictureKind, metadata: Mapping[str, str], rate: Fraction | None
) -> memoryview:
    """`frame` (H, W, 3 or 4) sRGB with straight alpha as an EXR file of half floats.

    The file holds light: the sRGB curve is taken off, values above 1 stay above 1 and those below 0
    below, and colours are multiplied by alpha, as OpenEXR has it. It says which primaries it has
    (chromaticities and colorInteropID) and, where `rate` is known, framesPerSecond. `metadata`
    become attributes. Raises ImportError where OpenEXR is missing or older than 3.5.
    """
    openexr = _openexr()
    primaries = kind.space.primaries
    name = "NO" if kind.compression is Compression.NONE else kind.compression.value
    header = {
        **metadata,
        "compression": getattr(openexr, f"{name}_COMPRESSION"),
        "type": openexr.scanlineimage,
        "chromaticities": primaries.chromaticities,
        "colorInteropID": primaries.interop_id,
    }
    if rate is not None:
        header["framesPerSecond"] = rate
    channels = "RGB" if frame.shape[-1] == 3 else "RGBA"
    file = io.BytesIO()
    openexr.File(header, {channels: _light(frame, kind.space)}).write(file)
    return file.getbuffer()


def _light(frame: Tensor, space: SceneLinear) -> np.ndarray:
    frame = frame.detach().float()
    light = srgb_to_linear(frame[..., :3])
    if space is not SceneLinear.REC709:
        matrix = torch.from_numpy(from_rec709(space.primaries)).to(light)
        light = light @ matrix.T
    if frame.shape[-1] == 4:
        alpha = frame[..., 3:].clamp(0, 1)
        light = torch.cat((light * alpha, alpha), dim=-1)
    return light.clamp(-LARGEST_HALF, LARGEST_HALF).half().cpu().numpy()


def _openexr() -> ModuleType:
    """Only who writes EXR needs it."""
    advice = (
        "install it with pip install 'OpenEXR>=3.5', which needs Python 3.11 or newer, "
        "or write PNG or TIFF with 16 bits"
    )
    try:
        import OpenEXR
    except ImportError as error:
        raise ImportError(f"expected the package OpenEXR, got none: {advice}") from error
    if tuple(int(part) for part in OpenEXR.__version__.split(".")[:2]) < OLDEST:
        raise ImportError(f"expected OpenEXR 3.5 or newer, got {OpenEXR.__version__}: {advice}")
    return OpenEXR
