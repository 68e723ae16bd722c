"""Films in files: any frame to start at, exact counts and rates, true colours, clear errors."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from svd_studio.video.sources.video_file import VideoFile

from .clips import B_FRAMES, write_film

# Where packets tell which frames there are, and where they do not.
KINDS = {
    "mp4": ("a.mp4", "libx264", "yuv420p", B_FRAMES, None),
    "mkv": ("a.mkv", "libx264", "yuv420p", B_FRAMES, None),
    "transport stream": ("a.ts", "libx264", "yuv420p", B_FRAMES, None),
    "hevc": (
        "a.mov",
        "libx265",
        "yuv420p10le",
        {"x265-params": "open-gop=1:log-level=none:pools=1"},
        None,
    ),
    "prores": ("a.mov", "prores_ks", "yuva444p10le", {"profile": "4"}, None),
    "vp9 with alpha": ("a.webm", "libvpx-vp9", "yuva420p", {"deadline": "realtime"}, None),
    "vp8": ("a.webm", "libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "9"}, None),
    "avi": ("a.avi", "mpeg4", "yuv420p", {"bf": "2"}, None),
    "bare": ("a.h264", "libx264", "yuv420p", B_FRAMES, "h264"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_frame_n_is_the_same_wherever_a_pull_starts(tmp_path, kind):
    name, codec, pixels, options, container = kind
    path = write_film(tmp_path / name, codec, pixels, options=options, container=container)
    film = VideoFile(path)
    whole = list(film.frames(0))
    assert len(whole) == film.clip.count == 30
    assert len({frame.sum().item() for frame in whole}) == 30
    for start in (1, 8, 9, 10, 11, 19, 20, 25, 29):
        tail = list(film.frames(start))
        assert len(tail) == 30 - start
        assert all(map(torch.equal, tail, whole[start:]))
    assert list(film.frames(30)) == []


def test_frames_are_those_of_a_plain_decode(tmp_path):
    """In grey, where no matrix and no chroma is in play."""
    path = write_film(tmp_path / "a.mkv", "ffv1", "gray")
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    found = [(frame * 255).round().byte().numpy() for frame in VideoFile(path).frames(0)]
    assert all(
        np.array_equal(f[..., c], e) for f, e in zip(found, expected, strict=True) for c in range(3)
    )


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Fraction(24), Fraction(24)),
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(2997, 125), Fraction(24000, 1001)),  # what ComfyUI writes for 23.976
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(50, 7), Fraction(50, 7)),
        (Fraction(25003, 1000), Fraction(25003, 1000)),
    ],
    ids=str,
)
def test_rates_are_exact(tmp_path, rate, expected):
    path = write_film(tmp_path / "a.mp4", count=8, rate=rate)
    assert VideoFile(path).clip.rate == expected


def test_rates_survive_the_milliseconds_of_matroska(tmp_path):
    path = write_film(tmp_path / "a.mkv", count=8, rate=Fraction(60000, 1001))
    assert VideoFile(path).clip.rate == Fraction(60000, 1001)


def codes(matrix, limited=True, bits=8):
    """Planes of a saturated patch in the given matrix, by the definition of ITU-T H.273."""
    red, blue = matrix
    r, g, b = PATCH
    y = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    top, step = 2**bits - 1, 2 ** (bits - 8)
    if limited:
        found = (16 + 219 * y) * step, (128 + 224 * cb) * step, (128 + 224 * cr) * step
    else:
        found = y * top, cb * top + 128 * step, cr * top + 128 * step
    return [round(value) for value in found]


PATCH = (0.8, 0.25, 0.1)
BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)


def patch_film(path, pixels, planes, size, tag=None, full=False):
    """A lossless film of one colour, whose planes are written as they are told."""
    height, width = size
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        if tag is not None:
            stream.codec_context.colorspace = tag
        stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(width, height, pixels)
        frame.color_range = 2 if full else 1
        if tag is not None:
            frame.colorspace = tag
        for plane, value in zip(frame.planes, planes, strict=True):
            kind = np.uint16 if "le" in pixels else np.uint8
            plane.update(np.full(plane.buffer_size // kind().itemsize, value, kind))
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("size", "tag", "matrix", "full"),
    [
        ((48, 64), None, BT601, False),
        ((718, 64), None, BT601, False),
        ((720, 64), None, BT709, False),
        ((48, 64), 1, BT709, False),
        ((720, 64), 6, BT601, False),
        ((48, 64), 9, BT2020, False),
        ((48, 64), 1, BT709, True),
    ],
    ids=str,
)
@pytest.mark.parametrize(("pixels", "bits"), [("yuv420p", 8), ("yuv422p10le", 10)])
def test_colours_follow_the_tags_of_the_file(tmp_path, size, tag, matrix, full, pixels, bits):
    planes = codes(matrix, not full, bits)
    path = patch_film(tmp_path / "a.mkv", pixels, planes, size, tag, full)
    found = next(VideoFile(path).frames(0))
    assert (found - torch.tensor(PATCH)).abs().max() < 1.2 / 2**bits  # of the planes' rounding


@pytest.mark.parametrize("level", [(16, 0.0), (235, 1.0), (255, 1.0), (0, 0.0)], ids=str)
def test_black_and_white_are_exactly_that(tmp_path, level):
    code, value = level
    path = patch_film(tmp_path / "a.mkv", "yuv420p", (code, 128, 128), (48, 64))
    assert (next(VideoFile(path).frames(0)) == value).all()


@pytest.mark.parametrize(("axis", "place"), [(1, 0.0), (0, 0.5)], ids=["columns", "rows"])
def test_chroma_is_placed_as_h264_has_it(tmp_path, axis, place):
    """A ramp: samples sit on the left column of a pair, and between its rows."""
    ramp = np.arange(144) + 56
    ramp, size = (ramp[None].repeat(8, 0), (16, 288)) if axis else (ramp.repeat(8), (288, 16))
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=24)
        (stream.height, stream.width), stream.pix_fmt = size, "yuv420p"
        planes = [np.full(288 * 16, 126), np.full(144 * 8, 128), ramp.flatten()]
        array = np.concatenate(planes).astype(np.uint8).reshape(-1, size[1])
        file.mux(stream.encode(av.VideoFrame.from_ndarray(array, "yuv420p")))
        file.mux(stream.encode(None))
    found = next(VideoFile(path).frames(0))[..., 0].numpy()
    found = found[8] if axis else found[:, 8]
    cr = (np.arange(288) - place) / 2 - 72
    expected = (126 - 16) / 219 + 2 * (1 - BT601[0]) * cr / 224
    assert np.abs(found - expected)[1:-1].max() < 1e-5


def test_sixteen_bits_are_kept(tmp_path):
    values = np.random.default_rng(3).integers(0, 2**16, (6, 8, 3), np.uint16)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 8, 6, "gbrp16le"
        frame = av.VideoFrame.from_ndarray(values, "rgb48le").reformat(format="gbrp16le")
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    found = next(VideoFile(path).frames(0)).double().numpy() * 65535
    assert np.array_equal(found.round(), values)


@pytest.mark.parametrize("kind", [("qtrle", "argb", "a.mov"), ("png", "rgba", "a.mov")], ids=str)
def test_alpha_is_kept(tmp_path, kind):
    codec, pixels, name = kind
    picture = np.random.default_rng(4).integers(0, 256, (48, 64, 4), np.uint8)
    path = write_film(tmp_path / name, codec, pixels, count=2, picture=lambda n: picture)
    film = VideoFile(path)
    assert film.clip.channels == 4
    assert np.array_equal((next(film.frames(1)) * 255).round().byte().numpy(), picture)


def test_rotated_films_stand_upright(tmp_path):
    if not hasattr(av.VideoStream, "set_display_rotation"):
        pytest.skip("this PyAV writes no rotation")
    corner = np.zeros((48, 64, 3), np.uint8)
    corner[:16, :16] = 255  # top left
    path = write_film(
        tmp_path / "a.mp4",
        count=2,
        picture=lambda n: corner,
        setup=lambda stream: stream.set_display_rotation(90),
    )
    film = VideoFile(path)
    assert (film.clip.height, film.clip.width) == (64, 48)
    frame = next(film.frames(0))
    assert frame.shape == (64, 48, 3)
    turned = torch.from_numpy(np.rot90(corner, frame_rotation(path) // 90).copy()) / 255
    assert (frame - turned).abs().mean() < 0.02


def frame_rotation(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).rotation


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.avi"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_film_is_refused_in_a_sentence(tmp_path, name, share):
    whole = write_film(tmp_path / name, count=60).read_bytes()
    path = tmp_path / f"cut_{name}"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=rf"{path.name} .*truncated") as caught:
        _ = VideoFile(path).clip
    assert "\n" not in str(caught.value)


def test_a_film_damaged_in_the_middle_is_named_by_frame_or_file(tmp_path):
    path = write_film(tmp_path / "a.mkv", "ffv1", "yuv420p", count=30, options={"level": "3"})
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = b"\x55" * 4000
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.mkv"):
        list(VideoFile(path).frames(0))


@pytest.mark.parametrize("content", [b"", b"no film at all" * 100], ids=["empty", "text"])
def test_a_file_that_is_no_film_is_refused(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mp4 cannot be read as a film"):
        _ = VideoFile(path).clip


def test_a_file_without_pictures_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
    with pytest.raises(ValueError, match="no pictures"):
        _ = VideoFile(path).clip


def test_a_missing_film_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        _ = VideoFile(tmp_path / "a.mp4").clip


def test_a_film_that_changed_is_read_anew(tmp_path):
    path = write_film(tmp_path / "a.mkv", "ffv1", count=3)
    film = VideoFile(path)
    before = film.clip.count, film.fingerprint()
    assert before == (3, film.fingerprint())
    write_film(path, "ffv1", count=5)
    assert film.clip.count == 5
    assert film.fingerprint() != before[1]


def test_a_film_from_which_a_pull_is_ended_early_leaves_no_thread(tmp_path):
    import threading

    frames = VideoFile(write_film(tmp_path / "a.mp4")).frames(0)
    next(frames)
    frames.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "frames ahead"]
