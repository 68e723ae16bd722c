from __future__ import annotations

import json
import struct
import weakref
from dataclasses import replace
from fractions import Fraction

import av
import pytest
import torch
from svd_studio.video.write import writer
from svd_studio.video.write.writer import h264, write_h264

from .boxes import boxes

FILM = Fraction(24000, 1001)


def write(frames, path, rate=FILM, quality=80, metadata=None):
    return write_h264(frames, path, rate, quality, metadata or {})


@pytest.mark.parametrize(
    "rate", [FILM, Fraction(24), Fraction(25, 3), Fraction(60000, 1001)], ids=str
)
@pytest.mark.parametrize("count", [1, 2, 30])
def test_frames_times_and_length_are_exact(tmp_path, noise, rate, count):
    film = write(noise(count), tmp_path / "a.mp4", rate)
    assert (film.frames, film.rate, film.size_bytes) == (count, rate, film.path.stat().st_size)
    with av.open(str(film.path)) as container:
        stream = container.streams.video[0]
        times = [frame.pts * frame.time_base for frame in container.decode(stream)]
        assert times == [number / rate for number in range(count)]
        assert stream.average_rate == rate
        assert stream.duration * stream.time_base == count / rate
    # Version 0 of the movie header: two dates, then units per second and the length in units.
    units, length = struct.unpack(">8x2I", dict(boxes(film.path))["mvhd"][4:20])
    assert Fraction(length, units) == count / rate


@pytest.mark.parametrize("height", [1, 47, 48])
@pytest.mark.parametrize("width", [1, 63, 64])
def test_odd_sides_grow_by_a_repeated_line(tmp_path, noise, height, width):
    film = write(noise(2, height, width), tmp_path / "a.mp4")
    even = (width + width % 2, height + height % 2)
    assert (film.width, film.height) == even
    with av.open(str(film.path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == even


def test_repeated_line_equals_its_neighbour(tmp_path):
    ramp = torch.linspace(0, 1, 47)[:, None, None].expand(47, 63, 3)
    film = write([ramp], tmp_path / "a.mp4", quality=100)
    with av.open(str(film.path)) as container:
        grey = next(container.decode(video=0)).to_ndarray(format="gray")
    assert abs(int(grey[-1, 0]) - int(grey[-2, 0])) <= 1
    assert abs(int(grey[0, -1]) - int(grey[0, -2])) <= 1


def test_colours_are_tagged_as_limited_bt709(tmp_path, noise):
    film = write(noise(2), tmp_path / "a.mp4")
    with av.open(str(film.path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace)
        assert tags == (1, 1, 1)
        assert context.color_range == 1
        assert context.pix_fmt == "yuv420p"
    # The box that editors read: primaries 1, transfer 1, matrix 1, full range 0.
    assert dict(boxes(film.path))["colr"] == b"nclx" + bytes([0, 1, 0, 1, 0, 1, 0])


def test_index_and_metadata_come_before_the_pictures(tmp_path, noise):
    film = write(noise(2), tmp_path / "a.mp4", metadata={"workflow": "{}"})
    kinds = [kind for kind, _ in boxes(film.path)]
    assert kinds.index("moov") < kinds.index("udta") < kinds.index("mdat")


def test_workflow_survives_as_comfyui_reads_it(tmp_path, noise):
    graph = {"nodes": [{"title": '日本語 "é" \n 🎬', "widgets": ["x" * 50_000]}]}
    texts = {
        "workflow": json.dumps(graph, ensure_ascii=False),
        "prompt": json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 2**63}}}),
    }
    film = write(noise(2), tmp_path / "a.mp4", metadata=texts)
    with av.open(str(film.path)) as container:
        assert {key: container.metadata[key] for key in texts} == texts


def test_higher_quality_takes_more_room(tmp_path, noise):
    sizes = [
        write(noise(4), tmp_path / f"{quality}.mp4", quality=quality).size_bytes
        for quality in (0, 50, 80, 100)
    ]
    assert sizes == sorted(set(sizes))
    crf = [h264().encoder_options(64, 48, quality)["crf"] for quality in (0, 80, 100)]
    assert crf == ["51", "17.4", "9"]


def test_frames_are_let_go_of_one_by_one(tmp_path, noise):
    alive = weakref.WeakSet()
    most = 0

    def counted():
        nonlocal most
        for frame in noise(40):
            alive.add(frame)
            most = max(most, len(alive))
            yield frame

    write(counted(), tmp_path / "a.mp4")
    # The first one is the measure for all others; one is encoded while the next is made.
    assert most <= 4


NAN = torch.full((4, 4, 3), float("nan"))
GREY = torch.full((4, 4, 3), 0.5)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames to write"),
        ([GREY, GREY, NAN], "NaN in frame 2"),
        ([GREY, GREY[:2]], "4x4 like the first, got 4x2 at frame 1"),
        ([torch.zeros(4, 4, 4)], r"\(4, 4, 4\).* at frame 0: .*without alpha"),
        ([torch.zeros(2, 4, 4, 3)], r"got \(2, 4, 4, 3\)"),
        ([torch.zeros(4, 4, 3, dtype=torch.uint8)], "got .*uint8"),
        ([torch.zeros(0, 4, 3)], "got 4x0"),
        ([torch.zeros(2, 16386, 3)], "sides of 1x1 to 16384 pixels.* got 16386x2"),
    ],
    ids=["none", "nan", "sizes", "alpha", "batch", "bytes", "flat", "wide"],
)
def test_impossible_frames_are_refused_and_nothing_is_left(tmp_path, frames, message):
    with pytest.raises(ValueError, match=message) as caught:
        write(frames, tmp_path / "a.mp4")
    assert str(caught.value).startswith("expected")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quality", [-1, 101])
def test_quality_outside_its_range_is_refused(tmp_path, quality):
    with pytest.raises(ValueError, match=rf"quality in 0..100, got {quality}"):
        write([GREY], tmp_path / "a.mp4", quality=quality)


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(-24), Fraction(23.976)], ids=str)
def test_rate_that_a_film_cannot_hold_is_refused(tmp_path, rate):
    with pytest.raises(ValueError, match="take it from exact_rate"):
        write([GREY], tmp_path / "a.mp4", rate)


def test_pyav_without_x264_is_named_and_nothing_is_left(tmp_path, monkeypatch):
    missing = replace(h264(), encoder="libx265_of_tomorrow")
    monkeypatch.setattr(writer, "h264", lambda: missing)
    with pytest.raises(ValueError, match="expected a PyAV with the libx265_of_tomorrow encoder"):
        write([GREY], tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
