"""The guide shows what the camera would see, and says where it does not know."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.sampling.camera import CameraPath, Ease, Keyframe, Pose, still, straight
from svd_studio.sampling.framing import Fit, fit_picture
from svd_studio.sampling.guide import MotionGuide, render_guide
from svd_studio.sampling.scene import depth_from_image, lay_out
from svd_studio.sampling.view import focal_length, homographies, mean_flow

WIDTH, HEIGHT = 128, 72


@pytest.fixture
def picture() -> torch.Tensor:
    """(1, 96, 128, 3), taller than the film's frame: waves too slow to alias."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(128.0), indexing="ij")
    channels = [(x / 9).sin(), (y / 11).cos(), ((x + y) / 13).sin()]
    return (torch.stack(channels, dim=-1) * 0.4 + 0.5)[None]


def linear(**move: float) -> CameraPath:
    return straight(Pose(**move), Ease.LINEAR)


def render(picture, path, frames=3, depth=None, fit=Fit.COVER) -> MotionGuide:
    return render_guide(lay_out(picture, WIDTH, HEIGHT, fit, depth), path, frames)


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("with_depth", [False, True])
def test_the_first_frame_is_the_picture_to_the_last_bit(picture, fit, with_depth):
    depth = torch.linspace(0.5, 2, 96 * 128).view(96, 128)
    guide = render(picture, linear(orbit=8, zoom=1.2), 3, depth if with_depth else None, fit)
    assert torch.equal(guide.frames[0], fit_picture(picture, WIDTH, HEIGHT, fit)[0])
    assert guide.holes[0].sum() == 0


def test_a_still_camera_repeats_the_picture(picture):
    guide = render(picture, still(), 4)
    assert torch.allclose(guide.frames, guide.frames[:1].expand(4, -1, -1, -1), atol=1e-4)
    assert guide.holes.sum() == 0


def test_a_pan_to_the_right_moves_the_picture_to_the_left_by_f_tan_pan(picture):
    pixels = 16
    pan = math.degrees(math.atan(pixels / WIDTH / focal_length(50)))
    last = render(picture, linear(pan=pan)).frames[-1]
    first = render(picture, still()).frames[0]
    middle = slice(HEIGHT // 2 - 2, HEIGHT // 2 + 2)  # elsewhere the turn also bends it
    assert torch.allclose(last[middle, 54:60], first[middle, 54 + pixels : 60 + pixels], atol=0.03)


def test_what_cover_cut_off_is_found_again_by_a_tilt(picture):
    """96 rows of which the film shows 72: twelve more above."""
    rows = 10
    tilt = math.degrees(math.atan(rows / WIDTH / focal_length(50)))
    guide = render(picture, linear(tilt=tilt))
    assert guide.holes[-1, :, 40:90].sum() == 0
    assert torch.allclose(guide.frames[-1, 0, 60:68], picture[0, 2, 60:68], atol=0.05)


def test_a_zoom_out_has_holes_all_around_and_a_zoom_in_none(picture):
    out, into = render(picture, linear(zoom=0.7)), render(picture, linear(zoom=1.4))
    border = out.holes[-1].clone()
    border[8:-8, 24:-24] = 0
    assert border.sum() > 500
    assert out.holes[-1, 30:40, 50:80].sum() == 0
    assert into.holes.sum() == 0


@given(
    st.sampled_from(["pan", "tilt", "roll", "truck", "pedestal", "dolly", "orbit"]),
    st.floats(-0.3, 0.3),
)
def test_a_flat_scene_with_depth_is_what_its_homography_shows(move, amount):
    amount *= 1 if move in ("truck", "pedestal", "dolly") else 30
    y, x = torch.meshgrid(torch.arange(72.0), torch.arange(128.0), indexing="ij")
    waves = ((x / 9).sin() * (y / 7).cos() * 0.4 + 0.5)[None, ..., None].expand(-1, -1, -1, 3)
    path = linear(**{move: amount})
    flat = render(waves, path, 2, torch.ones(72, 128))
    plane = render(waves, path, 2)
    both = (flat.holes[1] == 0) & (plane.holes[1] == 0)
    assert both.float().mean() > 0.4
    assert (flat.frames[1] - plane.frames[1])[both].abs().max() < 0.03
    assert (flat.holes[1] != plane.holes[1]).float().mean() < 0.05, "a pixel along the edges"


def test_near_things_move_more_and_uncover_a_hole_behind_them():
    depth = torch.full((72, 128), 2.0)
    depth[20:50, 50:78] = 1.0
    picture = torch.zeros(1, 72, 128, 3)
    picture[:, 20:50, 50:78] = 1.0
    guide = render(picture, linear(truck=0.1), 2, depth)
    near = (guide.frames[1, 35, :, 0] > 0.5).nonzero().flatten()
    shift = 0.1 * focal_length(50) * 128  # f * truck / depth, to the left
    assert abs(int(near[0]) - (50 - shift)) <= 2
    assert guide.holes[1, 35, 66:70].all(), "what was behind it has never been seen"
    assert guide.holes[1, 35, 55:60].sum() == 0


def test_what_is_near_covers_what_is_far():
    depth = torch.full((72, 128), 3.0)
    depth[:, 64:] = 1.0
    picture = torch.zeros(1, 72, 128, 3)
    picture[:, :, 64:] = 1.0
    guide = render(picture, linear(truck=0.15), 2, depth)
    shift = 0.15 * focal_length(50) * 128
    assert (guide.frames[1, 36, round(64 - shift) + 3 : 100, 0] > 0.9).all()


def test_dollying_close_leaves_no_cracks():
    depth = torch.ones(72, 128)
    waves = torch.rand(1, 9, 16, 3, generator=torch.Generator().manual_seed(0))
    picture = F.interpolate(waves.movedim(-1, 1), (72, 128), mode="bilinear").movedim(1, -1)
    guide = render(picture, linear(dolly=0.7), 2, depth)
    assert guide.holes.sum() == 0


def test_a_view_turned_away_from_the_picture_is_all_hole(picture):
    guide = render(picture, linear(pan=85))
    assert guide.holes[-1].mean() > 0.99
    assert torch.isfinite(guide.frames).all()


def test_the_latent_mask_is_free_at_holes_and_beside_them_and_soft_further_on():
    holes = torch.zeros(1, 64, 128)
    holes[0, :, 100:] = 1
    mask = MotionGuide(torch.zeros(1, 64, 128, 3), holes).latent_mask(softness=1)
    assert mask.shape == (1, 1, 8, 16)
    row = mask[0, 0, 4]
    assert (row[12:] == 1).all()
    assert 0 < row[11] < 1
    assert 0 < row[10] < row[11]
    assert (row[:10] == 0).all()
    assert torch.equal(
        MotionGuide(torch.zeros(1, 64, 128, 3), holes).latent_mask(softness=0)[0, 0, 4] == 1,
        torch.arange(16) >= 12,
    )


def test_a_small_picture_is_refused():
    with pytest.raises(ValueError, match=r"63x200 pixels.*at least 64"):
        lay_out(torch.zeros(1, 200, 63, 3), WIDTH, HEIGHT, Fit.COVER)


def test_depth_of_other_proportions_is_refused_and_of_another_size_is_not(picture):
    with pytest.raises(ValueError, match=r"depth map is 100x50 and the picture 128x96"):
        lay_out(picture, WIDTH, HEIGHT, Fit.COVER, torch.ones(50, 100))
    scene = lay_out(picture, WIDTH, HEIGHT, Fit.COVER, torch.ones(48, 64))
    assert scene.depth.shape == scene.pixels.shape[2:]


@pytest.mark.parametrize(("value", "told"), [(0.5, "one value"), (math.nan, "NaN")])
def test_depth_that_says_nothing_is_refused(value, told):
    with pytest.raises(ValueError, match=told):
        depth_from_image(torch.full((1, 8, 8, 3), value), True, 4.0)


def test_depth_puts_the_median_at_the_subject_and_keeps_the_range():
    image = torch.linspace(0, 1, 101).view(1, 1, 101, 1).expand(-1, 4, -1, 3)
    depth = depth_from_image(image, near_is_white=True, depth_range=5.0)
    assert depth.median() == pytest.approx(1, abs=0.05)
    assert float(depth.max() / depth.min()) == pytest.approx(5)
    assert depth[0, 0] > depth[0, -1]
    assert depth_from_image(image, False, 5.0)[0, 0] < 1


def test_masks_of_another_size_are_refused():
    with pytest.raises(ValueError, match="one mask a frame"):
        MotionGuide(torch.zeros(2, 8, 8, 3), torch.zeros(2, 8, 16))


def test_mean_flow_is_the_length_of_a_truck_spread_over_the_frames():
    path = CameraPath((Keyframe(0), Keyframe(1, Pose(truck=0.2), Ease.LINEAR)))
    assert mean_flow(path, 5, 0.5) == pytest.approx(0.2 * focal_length(50) / 4)
    assert mean_flow(still(), 5, 0.5) == 0


@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(-20, 20), st.floats(0.5, 2))
def test_turns_and_zooms_are_undone_by_their_inverse(pan, tilt, roll, zoom):
    """The homography of a turned camera is K R K^-1: its R must be a rotation."""
    path = linear(pan=pan, tilt=tilt, roll=roll, zoom=zoom)
    matrix = homographies(path, 2)[1]
    focal = focal_length(50)
    lens = torch.diag(torch.tensor([focal, focal, 1], dtype=torch.float64))
    longer = torch.diag(torch.tensor([focal * zoom, focal * zoom, 1], dtype=torch.float64))
    rotation = torch.linalg.inv(longer) @ matrix @ lens
    assert torch.allclose(rotation @ rotation.T, torch.eye(3, dtype=torch.float64), atol=1e-9)
