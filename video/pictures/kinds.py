"""The kinds of picture files that frames are written to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .primaries import SceneLinear


class PictureFile(Enum):
    PNG = ".png"
    TIFF = ".tif"
    EXR = ".exr"
    JPEG = ".jpg"


class Compression(Enum):
    """Of EXR files. All keep every bit except DWAA, which is made for looking at."""

    ZIP = "ZIP"
    ZIPS = "ZIPS"
    PIZ = "PIZ"
    DWAA = "DWAA"
    NONE = "none"


@dataclass(frozen=True)
class PictureKind:
    """How a frame becomes a file. `bits` a channel; the last two are for EXR alone."""

    file: PictureFile
    bits: int = 8
    compression: Compression = Compression.ZIP
    space: SceneLinear = SceneLinear.REC709

    def __post_init__(self) -> None:
        known = {PictureFile.EXR: (16,), PictureFile.JPEG: (8,)}.get(self.file, (8, 16))
        if self.bits not in known:
            raise ValueError(
                f"expected {' or '.join(map(str, known))} bits in a {self.file.name} file, "
                f"got {self.bits}: choose one of these"
            )

    @property
    def suffix(self) -> str:
        """Of the file's name, with the dot."""
        return self.file.value

    @property
    def alpha(self) -> bool:
        """Whether alpha is kept; else the picture is laid over black."""
        return self.file is not PictureFile.JPEG

    @property
    def colours(self) -> str:
        """What the numbers in the file mean."""
        return self.space.value if self.file is PictureFile.EXR else "sRGB"


PNG_8 = PictureKind(PictureFile.PNG, 8)
PNG_16 = PictureKind(PictureFile.PNG, 16)
TIFF_8 = PictureKind(PictureFile.TIFF, 8)
TIFF_16 = PictureKind(PictureFile.TIFF, 16)
EXR_HALF = PictureKind(PictureFile.EXR, 16)
JPEG = PictureKind(PictureFile.JPEG, 8)
