"""SVD Match Colour and SVD Film Look as ComfyUI runs them."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import FrameStream

from ..video.pulls import film

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

PLAIN = {
    "grain": 0.0,
    "grain_size": 1.5,
    "sharpen": 0.0,
    "sharpen_radius": 1.0,
    "letterbox": "none",
    "fade_in": 0.0,
    "fade_out": 0.0,
    "fade_to": "black",
    "fps": 0.0,
    "seed": 0,
}


def look(frames, **settings):
    from svd_studio.nodes.look import SVDFilmLook

    return SVDFilmLook.execute(frames, **{**PLAIN, **settings}).args


def match(frames, reference=None, method="mean and contrast", strength=1.0):
    from svd_studio.nodes.look import SVDMatchColour

    return SVDMatchColour.execute(frames, method, strength, reference).args


def test_the_defaults_are_those_of_the_widgets():
    from svd_studio.nodes.look import SVDFilmLook

    widgets = {i.id: i.default for i in SVDFilmLook.define_schema().inputs if i.id != "frames"}
    assert widgets == {**PLAIN, "grain": 2.0}


def test_with_nothing_chosen_the_frames_pass():
    frames = film(3, 20, 30, 4)
    stream, _ = look(frames)
    assert not stream.steps
    assert all(map(torch.equal, stream.frames(), frames))


def test_everything_at_once_in_the_order_of_a_film():
    stream, report = look(
        FrameStream(ImageBatch(film(12, 30, 40), Fraction(24))),
        grain=5.0, sharpen=0.5, letterbox="2.39:1", fade_in=0.25, fade_out=0.125,
    )  # fmt: skip
    words = [line.split(":")[0] for line in report.splitlines()[1:]]
    assert words == ["sharpen", "grain", "letterbox", "fade"]
    assert report.splitlines()[-1] == "fade: 6 frames in, 3 out, black"
    frames = torch.stack(list(stream.frames()))
    assert not frames[0].any()
    assert not frames[-1].any()
    assert not frames[:, 0].any()  # grain does not reach the bars


def test_images_have_no_rate_to_count_fades_by_until_it_is_said():
    frames = film(4, 8, 8)
    with pytest.raises(ValueError, match="set fps"):
        look(frames, fade_in=0.1)
    stream, _ = look(frames, fade_in=0.1, fps=23.976)
    assert not next(stream.frames()).any()


def test_the_seed_is_the_grains():
    frames = film(1, 20, 20)
    first, same, other = (next(look(frames, grain=5.0, seed=s)[0].frames()) for s in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    next(look(frames, grain=5.0, seed=2**64 - 1)[0].frames())


@pytest.mark.parametrize("method", ["mean and contrast", "histogram"])
def test_colours_go_to_the_pictures(method):
    frames, picture = 0.3 + 0.3 * film(3, 20, 30), 0.2 + 0.3 * film(2, 16, 16, 4, seed=3)
    picture[..., 3] = 1
    stream, report = match(frames, picture, method)
    wanted = picture[0, ..., :3].mean((0, 1))
    for frame in stream.frames():
        torch.testing.assert_close(frame.mean((0, 1)), wanted, atol=0.02, rtol=0)
    assert f"to a picture by {method}" in report


def test_without_a_picture_it_is_the_first_frame():
    frames = torch.stack([film(1, 20, 30)[0] * level for level in (0.6, 0.7, 0.8, 0.9)])
    stream, report = match(frames)
    means = [float(frame.mean()) for frame in stream.frames()]
    assert max(means) - min(means) < 0.5 * float(frames[3].mean() - frames[0].mean())
    assert "to the first frame" in report
