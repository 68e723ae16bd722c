"""What is written is read back with another reader, and is what was asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest
from svd_studio.video.pictures.kinds import PictureFile
from svd_studio.video.write.formats import FilmFormat, SequenceFormat, formats
from svd_studio.video.write.order import Order
from svd_studio.video.write.planes import Layout, planes
from svd_studio.video.write.read_back import frames_in
from svd_studio.video.write.render import write_stream

from .streams import FILM, waves

COUNT, HEIGHT, WIDTH = 11, 128, 256

BT709 = ("bt709", "bt709", "bt709", "tv")
RGB = ("bt709", "bt709", "gbr", "pc")
# Codec, the name players know it by, pixel format with alpha in the frames, and colour tags.
FILMS = {
    "10-h264": ("h264", "avc1", "yuv420p", BT709),
    "20-h265": ("hevc", "hvc1", "yuv420p10le", BT709),
    "30-av1": ("av1", "av01", "yuv420p10le", BT709),
    "40-vp9": ("vp9", None, "yuv420p", BT709),
    "50-prores-422-hq": ("prores", "apch", "yuv422p10le", BT709),
    "51-prores-4444": ("prores", "ap4h", "yuva444p10le", BT709),
    "52-dnxhr-hqx": ("dnxhd", "AVdh", "yuv422p10le", BT709),
    "53-ffv1": ("ffv1", None, "gbrap16le", RGB),
    "60-hdr10": ("hevc", "hvc1", "yuv420p10le", ("bt2020", "smpte2084", "bt2020nc", "tv")),
    "61-hlg": ("hevc", "hvc1", "yuv420p10le", ("bt2020", "arib-std-b67", "bt2020nc", "tv")),
}
LEAST_PSNR = 38.0

ffprobe_only = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")


def probe(path, *more: str) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-count_frames", *more]
    done = subprocess.run([*command, str(path)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def format_of(name: str):
    from svd_studio.video.write.formats import FOLDER, read_format

    return read_format(FOLDER / f"{name}.json")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """written(name): the film of COUNT frames with alpha in that format, in three segments."""
    films = {}

    def film(name: str):
        if name not in films:
            order = Order(format_of(name), FILM, segment_frames=4, metadata={"workflow": "{}"})
            folder = tmp_path_factory.mktemp(name)
            stream = waves(COUNT, HEIGHT, WIDTH, 4)
            films[name] = write_stream(stream, order, folder, "shot")
        return films[name]

    return film


@ffprobe_only
@pytest.mark.parametrize("name", FILMS)
def test_film_is_what_it_says(written, name):
    codec, tag, pix_fmt, colours = FILMS[name]
    film = written(name)
    (stream,) = probe(film.path)["streams"]
    # FFmpeg reads every ProRes 4444 as 12 bits now, whatever was written.
    found = stream["pix_fmt"].replace("444p12", "444p10")
    assert (stream["codec_name"], found) == (codec, pix_fmt)
    assert tag in (None, stream["codec_tag_string"])
    assert (stream["width"], stream["height"]) == (WIDTH, HEIGHT)
    assert Fraction(stream["avg_frame_rate"]) == Fraction(stream["r_frame_rate"]) == FILM
    assert int(stream["nb_read_frames"]) == COUNT
    keys = ("color_primaries", "color_transfer", "color_space", "color_range")
    assert tuple(stream.get(key) for key in keys) == colours


@pytest.mark.parametrize("name", FILMS)
def test_times_are_exact_where_the_container_can_say_them(written, name):
    with av.open(str(written(name).path)) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
        tick = container.streams.video[0].time_base
    exact = [number / FILM for number in range(COUNT)]
    if format_of(name).container in ("mp4", "mov"):
        assert times == exact
    assert max(abs(found - right) for found, right in zip(times, exact, strict=True)) <= tick


@pytest.mark.parametrize("name", FILMS)
def test_pictures_come_back(written, name):
    described = format_of(name)
    layout = Layout(FILMS[name][2] if described.alpha_pix_fmt else described.pix_fmt)
    with av.open(str(written(name).path)) as container:
        found = [raw(frame) for frame in container.decode(video=0)]
    source = waves(COUNT, HEIGHT, WIDTH, 4)
    for number, frame in enumerate(source.frames()):
        if described.alpha_pix_fmt is None:
            frame = frame[..., :3] * frame[..., 3:]
        wanted = planes(frame, layout, described.colour)
        assert psnr(found[number], wanted, layout.bits) > LEAST_PSNR, number


def raw(frame: av.VideoFrame) -> list[np.ndarray]:
    """The planes as they are stored, in parts of the largest code."""
    bits = frame.format.components[0].bits
    kind = np.uint8 if bits == 8 else np.uint16
    planes = [np.frombuffer(plane, kind).reshape(plane.height, -1) for plane in frame.planes]
    return [plane / 2.0**bits for plane in planes]


def psnr(found, wanted, bits: int) -> float:
    """Of the worst plane."""
    errors = [
        np.mean((one[:, : other.shape[1]] - other / 2.0**bits) ** 2)
        for one, other in zip(found, wanted, strict=True)
    ]
    return 10 * np.log10(1 / max(*errors, 1e-12))


def test_ffv1_loses_nothing_but_16_bits(written):
    layout = Layout("gbrap16le")
    found = frames_in(written("53-ffv1").path, layout)
    for frame, wanted in zip(found, waves(COUNT, HEIGHT, WIDTH, 4).frames(), strict=True):
        assert (frame - wanted).abs().max() < 1 / 65535


def test_vp9_keeps_alpha(written):
    path = written("40-vp9").path
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        told = {key.lower(): value for key, value in stream.metadata.items()}
        assert told["alpha_mode"] == "1"
        packets = [packet for packet in container.demux(stream) if packet.size]
        found = [frame for packet in packets for frame in decoder.decode(packet)]
    assert found[0].format.name == "yuva420p"
    for frame, wanted in zip(found, waves(COUNT, HEIGHT, WIDTH, 4).frames(), strict=False):
        alpha = raw(frame)[3][:, :WIDTH]
        assert np.abs(alpha - wanted[..., 3].numpy()).mean() < 0.02


@ffprobe_only
def test_hdr10_says_what_display_it_is_for(written):
    shown = probe(written("60-hdr10").path, "-show_frames", "-read_intervals", "%+#1")
    (frame,) = shown["frames"]
    told = {each["side_data_type"]: each for each in frame["side_data_list"]}
    assert told["Mastering display metadata"]["max_luminance"] == "10000000/10000"
    assert told["Content light level metadata"]["max_content"] == 203


@pytest.mark.parametrize("name", ["10-h264", "51-prores-4444", "53-ffv1"])
def test_graph_can_be_read_from_the_film(written, name):
    with av.open(str(written(name).path)) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
    assert found["workflow"] == "{}"


@pytest.mark.parametrize(
    "label", [label for label, one in formats().items() if isinstance(one, SequenceFormat)]
)
def test_sequence_is_a_folder_of_numbered_pictures(tmp_path, label):
    described = formats()[label]
    if described.picture.file is PictureFile.EXR:
        pytest.importorskip("OpenEXR")
    film = write_stream(waves(3, 8, 16), Order(described, FILM), tmp_path, "shot")
    suffix = described.picture.suffix
    names = sorted(file.name for file in film.path.iterdir())
    assert names == [f"shot.{number}{suffix}" for number in (1001, 1002, 1003)] + ["shot.json"]
    assert [film.path] == list(tmp_path.iterdir()) == [tmp_path / "shot_00001"]


@ffprobe_only
@pytest.mark.parametrize("name", ["80-gif", "81-webp"])
def test_animation_is_written_from_segments(written, name):
    film = written(name)
    assert [film.path] == list(film.path.parent.iterdir())
    if name == "80-gif":
        (stream,) = probe(film.path)["streams"]
        size = (stream["width"], stream["height"], int(stream["nb_read_frames"]))
        assert size == (WIDTH, HEIGHT, COUNT)


def test_every_film_format_is_tested_here():
    films = [one for one in formats().values() if isinstance(one, FilmFormat)]
    assert {one.label for one in films} == {format_of(name).label for name in FILMS}
