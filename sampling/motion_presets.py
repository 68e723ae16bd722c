"""Motion bucket, augmentation level and start sigma for kinds of shot."""

from __future__ import annotations

from dataclasses import dataclass, replace

FULL_NOISE = 700.0  # SVD's largest sigma
STILLEST_BUCKET = 5
LIVELIEST_BUCKET = 180  # SVD deforms pictures above
LEAST_START = 60.0  # motion is decided from about 100 down, so little above it may be left out


@dataclass(frozen=True)
class MotionPreset:
    """What to tell SVD Conditioning and SVD Sampler, and `why` in a sentence.

    A low motion bucket keeps the camera still. A start sigma below `FULL_NOISE` lets more move
    (conditional image leakage, Zhao et al. 2024: 100 rather than 700), which with a low bucket is
    the subject. The augmentation level frees the film from the picture.
    """

    motion_bucket_id: int
    augmentation_level: float
    start_sigma: float
    why: str

    def at_strength(self, strength: float) -> MotionPreset:
        """`strength` 1 is the preset, 0 as still as can be, 2 twice as far from that.

        Bucket and augmentation are multiplied, the start sigma falls in equal ratios; none goes
        past what is known to hold pictures together, unless the preset itself does. Raises
        ValueError for a strength below 0.
        """
        if not strength >= 0:
            raise ValueError(f"Strength is {strength:g}: use 0 (still) or more; 1 is the preset.")
        most = max(self.motion_bucket_id, LIVELIEST_BUCKET)
        least = min(self.motion_bucket_id, STILLEST_BUCKET)
        start = FULL_NOISE * (self.start_sigma / FULL_NOISE) ** strength
        return replace(
            self,
            motion_bucket_id=round(min(most, max(least, self.motion_bucket_id * strength))),
            augmentation_level=self.augmentation_level * strength,
            start_sigma=max(min(self.start_sigma, LEAST_START), start),
        )

    def describe(self) -> str:
        return (
            f"motion bucket {self.motion_bucket_id}, augmentation {self.augmentation_level:.3g}, "
            f"start sigma {self.start_sigma:.4g}\n{self.why}"
        )


PRESETS = {
    "still life": MotionPreset(
        12,
        0.02,
        FULL_NOISE,
        "The camera stands, as it does for buckets of 5 to 20, and all of the noise keeps things "
        "in their places.",
    ),
    "portrait": MotionPreset(
        30,
        0.02,
        200.0,
        "A bucket that hardly moves the camera, and a later start so that what moves is the "
        "person; the reference's little noise keeps the face.",
    ),
    "product": MotionPreset(
        60,
        0.02,
        FULL_NOISE,
        "A slow camera around a thing that must stay itself: all of the noise holds shape and "
        "lettering.",
    ),
    "landscape": MotionPreset(
        127,
        0.02,
        300.0,
        "SVD's own bucket, which in a view is a travelling camera; the later start lets water, "
        "clouds and leaves move too.",
    ),
    "action": MotionPreset(
        160,
        0.06,
        100.0,
        "A high bucket, below 180 where pictures deform, the start sigma that gave most motion in "
        "the literature, and more noise so that the subject can leave its pose.",
    ),
}
