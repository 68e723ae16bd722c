"""The measures of motion on clips whose motion is known."""

import cv2
import numpy as np
import pytest
from svd_studio.video.motion_metrics import (
    affine_share,
    measure_motion,
    optical_flow,
    psnr,
    spearman,
    warp_psnr,
)


@pytest.fixture(scope="module")
def texture():
    noise = np.random.default_rng(1).integers(0, 255, (60, 100, 3), np.uint8)
    return cv2.resize(noise, (400, 240), interpolation=cv2.INTER_CUBIC)


def shifted(texture, x, y=0.0):
    matrix = np.float32([[1, 0, -60 + x], [0, 1, -40 + y]])
    return cv2.warpAffine(texture, matrix, (256, 144))


def test_a_shift_is_measured_in_pixels(texture):
    clip = np.stack([shifted(texture, 1.5 * i) for i in range(6)])
    motion = measure_motion(clip)
    assert motion.flow == pytest.approx(1.5, rel=0.1)
    assert motion.displacement == pytest.approx(7.5, rel=0.15)
    assert motion.affine_share > 0.95
    assert motion.warp_psnr > 28


def test_a_dissolve_has_flow_but_cannot_be_warped_back(texture):
    other = texture[::-1, ::-1]
    share = np.linspace(0, 1, 6)[:, None, None, None]
    clip = (shifted(texture, 0)[None] * (1 - share) + shifted(other, 0)[None] * share).astype(
        np.uint8
    )
    motion = measure_motion(clip)
    assert motion.flow > 0.05
    assert motion.warp_psnr < 15


def test_a_zoom_is_affine():
    ys, xs = np.mgrid[0:144, 0:256].astype(np.float32)
    flow = np.stack([(xs - 128) * 0.1, (ys - 72) * 0.1], -1)
    assert affine_share(flow) == pytest.approx(1)


def test_flow_points_where_things_go(texture):
    first, second = (cv2.cvtColor(shifted(texture, x), cv2.COLOR_RGB2GRAY) for x in (0.0, 3.0))
    assert np.median(optical_flow(first, second)[..., 0]) == pytest.approx(3, abs=0.3)


def test_what_left_the_frame_does_not_count_against_the_warp(texture):
    first, last = shifted(texture, 0), shifted(texture, -30)
    flow = np.zeros((144, 256, 2), np.float32)
    flow[..., 0] = -30
    assert warp_psnr(first, last, flow) > 45


def test_psnr_of_a_known_error():
    image = np.zeros((4, 4), np.uint8)
    assert psnr(image + 1, image) == pytest.approx(48.13, abs=0.01)
    assert psnr(image, image) == 100


def test_spearman_sees_order_alone():
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert spearman([1, 1, 2, 2], [1, 1, 2, 2]) == pytest.approx(1)
