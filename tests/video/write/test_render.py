from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import pytest
import torch
from svd_studio.video.pictures.kinds import PNG_8
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import Clip, FrameStream
from svd_studio.video.write.formats import FilmFormat, formats
from svd_studio.video.write.order import Order
from svd_studio.video.write.poster import Poster
from svd_studio.video.write.render import write_stream

from .streams import FILM, Waves, waves

H264 = formats()["H.264 (mp4)"]
FFV1 = formats()["FFV1 16-bit RGB, lossless, keeps alpha (mkv)"]
FILMS = [one for one in formats().values() if isinstance(one, FilmFormat)]


def size(path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


@pytest.mark.parametrize("described", FILMS, ids=lambda one: one.label)
def test_one_frame_of_odd_sides_is_a_film(tmp_path, described):
    film = write_stream(waves(1, 129, 257), Order(described, FILM), tmp_path, "shot")
    with av.open(str(film.path)) as container:
        assert len(list(container.decode(video=0))) == 1
    assert size(film.path) == (film.clip.width, film.clip.height)
    assert film.clip.width in (257, 258)
    assert (film.clip.width == 258) == any("odd side" in note for note in film.notes)


def test_alpha_that_cannot_be_kept_is_laid_over_black_and_told(tmp_path):
    half = torch.tensor([1.0, 1.0, 1.0, 0.5]).expand(2, 16, 16, 4)
    film = write_stream(FrameStream(ImageBatch(half)), Order(H264, FILM), tmp_path, "shot")
    with av.open(str(film.path)) as container:
        grey = next(container.decode(video=0)).to_ndarray(format="gray")
    assert abs(int(grey[4, 4]) - 127.5) < 2
    assert "alpha is not kept: the frames are laid over black" in film.notes
    assert film.clip.channels == 3


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (torch.zeros(8, 8, 3), r"every frame to be 16x16 like the first, got 8x8 at frame 2"),
        (torch.zeros(16, 16, 4), r"frames \(height, width, 3\).* got \(16, 16, 4\).* frame 2"),
        (torch.full((16, 16, 3), float("nan")), "NaN in frame 2"),
    ],
    ids=["size", "channels", "nan"],
)
def test_frame_unlike_the_others_is_named(tmp_path, frame, message):
    class Odd(Waves):
        def frames(self, start):
            for number, good in enumerate(super().frames(start), start):
                yield frame if number == 2 else good

    stream = FrameStream(Odd(Clip(4, 16, 16)))
    with pytest.raises(ValueError, match=message):
        write_stream(stream, Order(H264, FILM), tmp_path, "shot")
    assert list(tmp_path.iterdir()) == []


def test_stream_that_ends_early_is_told(tmp_path):
    class Short(Waves):
        def frames(self, start):
            yield from list(super().frames(start))[:3]

    with pytest.raises(ValueError, match="end after 3 of 5"):
        write_stream(FrameStream(Short(Clip(5, 16, 16))), Order(H264, FILM), tmp_path, "shot")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (Order(H264, Fraction(23.976)), "take it from exact_rate"),
        (Order(replace(H264, encoder="libx266"), FILM), "PyAV with the libx266 encoder"),
        (
            Order(
                replace(
                    H264,
                    options={"profile": "baseline", "x264-params": "bframes=3"},
                    pix_fmt="yuv444p",
                ),
                FILM,
            ),
            r"libx264 encoder of this PyAV .* does not take H\.264 \(mp4\) of 64x48",
        ),
        (Order(formats()["DNxHR HQX (mov)"], FILM), "sides of 256x120 to .*got 64x48: scale"),
        (Order(H264, FILM, quality=101), r"quality in 0\.\.100"),
        (Order(H264, FILM, segment_frames=-1), "segments of 1 frame or more"),
        (Order(H264, Fraction(0)), "frame rate is 0: expected more than 0"),
        (Order(formats()["GIF"], Fraction(60)), "GIF holds up to 50 frames per second, got 60"),
    ],
    ids=["float", "encoder", "options", "small", "quality", "segments", "rate", "fast gif"],
)
def test_what_cannot_be_written_is_told_and_nothing_is_left(tmp_path, order, message):
    with pytest.raises(ValueError, match=message):
        write_stream(waves(2), order, tmp_path, "shot")
    assert list(tmp_path.iterdir()) == []


def test_impossible_orders_are_refused_before_the_first_frame(tmp_path):
    asked: list[int] = []
    order = Order(formats()["DNxHR HQX (mov)"], FILM)
    with pytest.raises(ValueError, match="256x120"):
        write_stream(waves(2, asked=asked), order, tmp_path, "shot")
    assert asked == []


def test_films_are_numbered_and_never_overwritten(tmp_path):
    names = [
        write_stream(waves(2), Order(H264, FILM), tmp_path / "new", "shot").path.name
        for _ in range(2)
    ]
    assert names == ["shot_00001.mp4", "shot_00002.mp4"]


@pytest.mark.parametrize(("poster", "number"), [(Poster.FIRST, 0), (Poster.MIDDLE, 2)])
def test_poster_is_that_frame(tmp_path, poster, number):
    import cv2

    film = write_stream(waves(5), Order(H264, FILM, poster=poster), tmp_path, "shot")
    assert film.poster == film.path.with_suffix(".jpg")
    found = torch.from_numpy(cv2.imread(str(film.poster))[..., ::-1].copy()) / 255
    errors = [(found - frame).abs().mean() for frame in waves(5).frames()]
    assert errors.index(min(errors)) == number


def test_poster_takes_no_other_files_place(tmp_path):
    (tmp_path / "shot_00001.jpg").write_text("theirs")
    order = Order(H264, FILM, poster=Poster.FIRST)
    film = write_stream(waves(2), order, tmp_path, "shot")
    assert film.poster.name == "shot_00001.mp4.jpg"
    assert (tmp_path / "shot_00001.jpg").read_text() == "theirs"


def test_preview_is_written_where_it_is_wanted(tmp_path):
    preview = tmp_path / "preview.jpg"
    film = write_stream(waves(3), Order(FFV1, FILM, preview=preview), tmp_path / "out", "shot")
    assert preview.exists()
    assert film.poster is None
    assert list((tmp_path / "out").iterdir()) == [film.path]


def test_frames_are_pulled_in_the_thread_that_asked(tmp_path):
    import threading

    threads = set()

    def pull(stream, start):
        for frame in stream.frames(start):
            threads.add(threading.get_ident())
            yield frame

    write_stream(waves(3), Order(H264, FILM), tmp_path, "shot", pull)
    assert threads == {threading.get_ident()}


def test_pictures_that_were_renamed_halfway_are_made_again(tmp_path, monkeypatch):
    """A crash while the pictures of a sequence get their names."""
    from svd_studio.video.write import deliver

    def crash(*_):
        raise RuntimeError("crash")

    order = Order(
        next(one for one in formats().values() if getattr(one, "picture", 0) == PNG_8), FILM
    )
    monkeypatch.setattr(deliver, "write_sidecar", crash)
    with pytest.raises(RuntimeError, match="crash"):
        write_stream(waves(3), order, tmp_path, "shot")
    monkeypatch.undo()
    film = write_stream(waves(3), order, tmp_path, "shot")
    assert len(list(film.path.iterdir())) == 4
    assert [film.path] == list(tmp_path.iterdir())
