"""What the motion bucket of svd-mini means, and how LoRA training labels clips with it."""

from __future__ import annotations

FULL_SPEED = 0.08  # frame widths per second at bucket 255


def motion_bucket_of(mean_flow: float, fps: float) -> int:
    """Bucket 0..255 of a clip whose picture moves `mean_flow` frame widths from frame to frame.

    The square root spreads slow motion, where the eye is keenest: 255 * sqrt(speed / FULL_SPEED).
    """
    return round(255 * min(1.0, mean_flow * fps / FULL_SPEED) ** 0.5)


def speed_of_bucket(motion_bucket_id: float) -> float:
    """Frame widths per second: the inverse of `motion_bucket_of`."""
    return FULL_SPEED * (motion_bucket_id / 255) ** 2
