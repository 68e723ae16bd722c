from __future__ import annotations

from fractions import Fraction

import av
import pytest
import torch
from svd_studio.video.write.preview import MOST_PIXELS, preview_size, write_preview


def frames_of(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def test_every_frame_is_there_in_its_order_at_its_time(tmp_path):
    levels = torch.linspace(0.1, 0.9, 9)
    frames = levels[:, None, None, None].expand(-1, 32, 48, 3)
    told = write_preview(frames, tmp_path / "a.mp4", Fraction(7))
    assert (told.width, told.height, told.frames) == (48, 32, 9)
    seen = [frame.mean() / 255 for frame in frames_of(tmp_path / "a.mp4")]
    assert seen == pytest.approx(levels.tolist(), abs=0.02)
    with av.open(str(tmp_path / "a.mp4")) as film:
        times = [frame.pts * frame.time_base for frame in film.decode(video=0)]
    assert times == [Fraction(n, 7) for n in range(9)]


def test_large_frames_become_small_ones_of_the_same_picture(tmp_path):
    half = torch.cat([torch.zeros(2, 576, 512, 3), torch.ones(2, 576, 512, 3)], dim=2)
    write_preview(half, tmp_path / "a.mp4", Fraction(7))
    first = frames_of(tmp_path / "a.mp4")[0]
    assert first.shape == (432, 768, 3)
    assert first[:, :370].mean() < 3
    assert first[:, 398:].mean() > 252


@pytest.mark.parametrize(
    ("count", "height", "width", "size"),
    [
        (25, 576, 1024, (432, 768)),
        (14, 144, 256, (144, 256)),
        (25, 1024, 576, (1024, 576)),
        (3, 33, 51, (33, 51)),
        (1, 2160, 3840, (432, 768)),
    ],
)
def test_sizes(count, height, width, size):
    assert preview_size(count, height, width) == size


def test_long_films_are_smaller_so_that_the_work_is_bounded():
    height, width = preview_size(1000, 2160, 3840)
    assert 1000 * height * width < MOST_PIXELS * 1.02
    assert (height % 2, width % 2) == (0, 0)
    assert preview_size(10**6, 2160, 3840)[1] == 192


def test_alpha_is_left_out_and_half_precision_taken(tmp_path):
    write_preview(torch.rand(2, 16, 16, 4).half(), tmp_path / "a.mp4", Fraction(24))
    assert len(frames_of(tmp_path / "a.mp4")) == 2


def test_no_frames_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_preview(torch.zeros(0, 16, 16, 3), tmp_path / "a.mp4", Fraction(7))
