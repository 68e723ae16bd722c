"""What red, green, blue and white are in a scene-linear file, and the way from Rec.709 there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

# Bradford's cone responses (Lam 1985), which the ACES configurations of OpenColorIO adapt with.
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


@dataclass(frozen=True)
class Primaries:
    """CIE 1931 x and y, and the name that OpenEXR's attribute colorInteropID has for them."""

    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float]
    interop_id: str

    @property
    def chromaticities(self) -> tuple[float, ...]:
        return (*self.red, *self.green, *self.blue, *self.white)

    def to_xyz(self) -> np.ndarray:
        """(3, 3): linear RGB to CIE XYZ, white at Y = 1 (SMPTE RP 177)."""
        corners = np.stack([_xyz(point) for point in (self.red, self.green, self.blue)], axis=1)
        return corners * np.linalg.solve(corners, _xyz(self.white))


REC709 = Primaries((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.329), "lin_rec709_scene")
# SMPTE ST 2065-1, and Academy S-2014-004.
AP0 = Primaries((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.077), (0.32168, 0.33767), "lin_ap0_scene")
AP1 = Primaries((0.713, 0.293), (0.165, 0.83), (0.128, 0.044), (0.32168, 0.33767), "lin_ap1_scene")


class SceneLinear(Enum):
    """The scene-linear colour spaces that an EXR file can be written in."""

    REC709 = "linear Rec.709"
    ACESCG = "ACEScg"
    ACES2065_1 = "ACES2065-1"

    @property
    def primaries(self) -> Primaries:
        return {"REC709": REC709, "ACESCG": AP1, "ACES2065_1": AP0}[self.name]


def from_rec709(target: Primaries) -> np.ndarray:
    """(3, 3): linear Rec.709 to linear `target`; white stays white (Bradford)."""
    here, there = (BRADFORD @ _xyz(space.white) for space in (REC709, target))
    adapted = np.linalg.solve(BRADFORD, (there / here)[:, None] * BRADFORD)
    return np.linalg.solve(target.to_xyz(), adapted @ REC709.to_xyz())


def _xyz(point: tuple[float, float]) -> np.ndarray:
    x, y = point
    return np.array([x / y, 1, (1 - x - y) / y])
