from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image
from svd_studio.video.disk import DiskFullError
from svd_studio.video.pictures import exr
from svd_studio.video.pictures.kinds import (
    EXR_HALF,
    JPEG,
    PNG_8,
    PNG_16,
    TIFF_8,
    TIFF_16,
    Compression,
    PictureFile,
    PictureKind,
)
from svd_studio.video.pictures.picture import write_picture
from svd_studio.video.pictures.primaries import AP0, AP1, SceneLinear, from_rec709
from svd_studio.video.pictures.srgb import linear_to_srgb, srgb_to_linear

SIZES = [(1, 1), (5, 7), (48, 33)]
GRAPH = {"workflow": json.dumps({"nodes": ["日本語"]}, ensure_ascii=False), "prompt": '{"3": 1}'}
RATE = Fraction(24000, 1001)


def picture(height=5, width=7, channels=3):
    random = torch.Generator().manual_seed(height * width + channels)
    return torch.rand(height, width, channels, generator=random)


def read(path, layout):
    """The first frame as FFmpeg's own decoders see it, and the layout that the file has."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame.to_ndarray(format=layout), frame.format.name


def read_light(path):
    """The first frame (H, W, 3) as FFmpeg's EXR decoder sees it, in half floats or in floats."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    kind = np.dtype("<f2" if "f16" in frame.format.name else "<f4")
    planes = [
        np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes[:3]
    ]
    green, blue, red = planes
    return np.stack((red, green, blue), axis=-1).astype("f8")


def openexr():
    return pytest.importorskip("OpenEXR")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(
    "kind", [PNG_8, PNG_16, TIFF_8, TIFF_16], ids=lambda k: f"{k.file}{k.bits}"
)
def test_another_reader_finds_the_same_numbers(tmp_path, kind, channels, size):
    frame = picture(*size, channels)
    path = tmp_path / f"a{kind.suffix}"
    write_picture(frame, path, kind, {})
    name = {3: {8: "rgb24", 16: "rgb48"}, 4: {8: "rgba", 16: "rgba64"}}[channels][kind.bits]
    found, stored = read(path, name if kind.bits == 8 else f"{name}le")
    levels = 2**kind.bits - 1
    assert stored.startswith(name)
    # Half a code for rounding, and what float32 cannot tell.
    assert np.abs(found - frame.numpy().astype("f8") * levels).max() < 0.51


@pytest.mark.parametrize("kind", [PNG_8, TIFF_8], ids=lambda k: k.file.name)
def test_pil_agrees_and_knows_the_alpha(tmp_path, kind):
    path = tmp_path / f"a{kind.suffix}"
    frame = picture(channels=4)
    write_picture(frame, path, kind, {})
    with Image.open(path) as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.array(image), (frame * 255).round().numpy())


@pytest.mark.parametrize("kind", [TIFF_8, TIFF_16], ids=lambda k: str(k.bits))
def test_tiff_says_that_alpha_is_straight(tmp_path, kind):
    write_picture(picture(channels=4), tmp_path / "a.tif", kind, GRAPH)
    with Image.open(tmp_path / "a.tif") as image:
        unassociated = 2
        assert image.tag_v2[338] == (unassociated,)
        assert json.loads(image.tag_v2[270]) == GRAPH


@pytest.mark.parametrize("kind", [PNG_8, PNG_16], ids=lambda k: str(k.bits))
def test_comfyui_finds_its_graph_in_a_png(tmp_path, kind):
    write_picture(picture(), tmp_path / "a.png", kind, GRAPH)
    with Image.open(tmp_path / "a.png") as image:
        image.load()  # which checks the sums of all chunks
        assert image.text == GRAPH
        assert image.info["srgb"] == 0


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("compression", Compression, ids=lambda c: c.name)
def test_exr_holds_light(tmp_path, compression, size):
    openexr()
    lossy = compression is Compression.DWAA
    # FFmpeg 5.1 and 8 give up on noise in DWAA, which OpenEXR reads.
    frame = (
        torch.linspace(0, 1, size[0])[:, None, None].expand(*size, 3) if lossy else picture(*size)
    )
    write_picture(frame, tmp_path / "a.exr", PictureKind(PictureFile.EXR, 16, compression), {})
    encoded = frame.numpy().astype("f8")
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    found = read_light(tmp_path / "a.exr")
    # Half floats have 11 bits; DWAA may change what nobody sees.
    allowed = 0.005 if lossy else 2**-11
    assert np.abs(found - light).max() <= allowed


def test_exr_keeps_what_is_above_one_and_below_zero(tmp_path):
    openexr()
    frame = torch.tensor([1.5, 40.0, -0.25, 1e9, 0.0, 1.0]).reshape(2, 1, 3)
    write_picture(frame, tmp_path / "a.exr", EXR_HALF, {})
    found = read_light(tmp_path / "a.exr")
    expected = [2.5371, 6174.5, -0.050876, 65504, 0, 1]
    assert found.flatten() == pytest.approx(expected, rel=1e-3)


def test_exr_multiplies_light_by_alpha(tmp_path):
    openexr()
    frame = torch.tensor([[[1.0, 0.5, 0.0, 0.5], [1.0, 1.0, 1.0, 0.0]]])
    write_picture(frame, tmp_path / "a.exr", EXR_HALF, {})
    found = openexr().File(str(tmp_path / "a.exr")).channels()["RGBA"].pixels
    assert found.dtype == np.float16
    half_grey = 0.21404 / 2
    assert found[0] == pytest.approx(np.array([[0.5, half_grey, 0, 0.5], [0] * 4]), abs=1e-3)


@pytest.mark.parametrize("space", SceneLinear, ids=lambda s: s.name)
def test_exr_says_its_colours_its_rate_and_its_graph(tmp_path, space):
    exr_package = openexr()
    kind = PictureKind(PictureFile.EXR, 16, space=space)
    write_picture(picture(), tmp_path / "a.exr", kind, GRAPH, RATE)
    file = exr_package.File(str(tmp_path / "a.exr"))
    header = file.header()
    assert header["chromaticities"] == pytest.approx(space.primaries.chromaticities)
    assert header["framesPerSecond"] == RATE
    assert header["compression"] == exr_package.ZIP_COMPRESSION
    assert {key: header[key] for key in GRAPH} == GRAPH
    # OpenEXR knows which name belongs to which primaries.
    named = exr_package.colorInteropIDToChromaticities(header["colorInteropID"])
    assert named == pytest.approx(header["chromaticities"], abs=1e-4)


# "Linear Rec.709 (sRGB)" of OpenColorIO's ACES studio configuration, and on to ACEScg.
TO_AP0 = [
    [0.439632981919491, 0.382988698151554, 0.177378319928955],
    [0.0897764429588424, 0.813439428748981, 0.0967841282921771],
    [0.0175411703831727, 0.111546553302387, 0.87091227631444],
]
TO_AP1 = [
    [0.613097402311, 0.339523146, 0.047379451],
    [0.070193725, 0.916353879, 0.013452398],
    [0.020615593, 0.109569773, 0.869814634],
]


def test_the_way_to_aces_is_opencolorios():
    assert np.abs(from_rec709(AP0) - TO_AP0).max() < 1e-12
    assert np.abs(from_rec709(AP1) - TO_AP1).max() < 1e-8


@pytest.mark.parametrize("space", list(SceneLinear)[1:], ids=lambda s: s.name)
def test_aces_exr_holds_the_converted_light(tmp_path, space):
    openexr()
    frame = picture(1, 2)
    write_picture(frame, tmp_path / "a.exr", PictureKind(PictureFile.EXR, 16, space=space), {})
    matrix = np.array(TO_AP1 if space is SceneLinear.ACESCG else TO_AP0)
    light = srgb_to_linear(frame).numpy() @ matrix.T
    found = read_light(tmp_path / "a.exr")
    assert np.abs(found - light).max() < 1e-3


def test_srgb_is_the_standards_and_has_an_inverse():
    values = torch.linspace(-2, 3, 5001)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=2e-6)
    assert srgb_to_linear(torch.tensor([0.0, 0.04045, 0.5, 1.0])).tolist() == pytest.approx(
        [0, 0.0031308, 0.2140411, 1], abs=1e-7
    )
    assert torch.equal(srgb_to_linear(-values), -srgb_to_linear(values))


def test_poster_lies_over_black(tmp_path):
    frame = torch.cat((torch.ones(16, 16, 3), torch.full((16, 16, 1), 0.5)), dim=-1)
    write_picture(frame, tmp_path / "a.jpg", JPEG, {})
    with Image.open(tmp_path / "a.jpg") as image:
        assert np.abs(np.array(image).astype(int) - 128).max() <= 1
        assert image.size == (16, 16)


def test_poster_keeps_red_edges_sharp(tmp_path):
    frame = torch.zeros(16, 16, 3)
    frame[:, 1::2, 0] = 1
    write_picture(frame, tmp_path / "a.jpg", JPEG, {})
    with Image.open(tmp_path / "a.jpg") as image:
        red = np.array(image)[..., 0]
    assert red[:, 1::2].min() > 200
    assert red[:, ::2].max() < 55


NAN = torch.full((4, 4, 3), float("nan"))


@pytest.mark.parametrize("kind", [PNG_8, TIFF_16, EXR_HALF, JPEG], ids=lambda k: k.file.name)
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (NAN, "got NaN for shot.1007"),
        (torch.zeros(4, 4), r"got \(4, 4\) of torch.float32"),
        (torch.zeros(4, 4, 1), "convert to RGB or RGBA"),
        (torch.zeros(4, 4, 3, dtype=torch.uint8), "torch.uint8"),
        (torch.zeros(0, 4, 3), "got 4x0"),
    ],
    ids=["nan", "flat", "grey", "bytes", "empty"],
)
def test_impossible_frames_are_refused_and_nothing_is_left(tmp_path, kind, frame, message):
    with pytest.raises(ValueError, match=message):
        write_picture(frame, tmp_path / f"shot.1007{kind.suffix}", kind, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("file", "bits"), [("EXR", 32), ("JPEG", 16), ("PNG", 12)])
def test_bits_that_a_file_cannot_have_are_refused(file, bits):
    with pytest.raises(ValueError, match=f"bits in a {file} file, got {bits}"):
        PictureKind(PictureFile[file], bits)


def test_values_outside_are_clamped_in_whole_numbers(tmp_path):
    frame = torch.tensor([[[-0.5, 1.5, 0.5]]])
    write_picture(frame, tmp_path / "a.png", PNG_16, {})
    assert read(tmp_path / "a.png", "rgb48le")[0].flatten().tolist() == [0, 65535, 32768]


@pytest.mark.parametrize("kind", [PNG_16, TIFF_16, EXR_HALF], ids=lambda k: k.file.name)
def test_full_disk_is_said_and_what_was_there_stays(mounted, noise, kind):
    disk = mounted()
    path = disk / f"a{kind.suffix}"
    path.write_bytes(b"before")
    with pytest.raises(DiskFullError, match="full disk"):
        write_picture(next(noise(1, 300, 400)), path, kind, {})
    assert path.read_bytes() == b"before"
    assert list(disk.iterdir()) == [path]


def test_leftover_of_a_killed_render_goes_when_its_frame_is_written(tmp_path):
    (tmp_path / ".a.png.part").write_bytes(b"half a picture")
    write_picture(picture(), tmp_path / "a.png", PNG_8, {})
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_without_openexr_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(ImportError, match=r"install it with pip .*, or write PNG or TIFF"):
        write_picture(picture(), tmp_path / "a.exr", EXR_HALF, {})


def test_old_openexr_is_named(tmp_path, monkeypatch):
    openexr()
    monkeypatch.setattr(exr, "OLDEST", (99, 0))
    with pytest.raises(ImportError, match="got 3"):
        write_picture(picture(), tmp_path / "a.exr", EXR_HALF, {})


def test_ffprobe_sees_an_exr_as_linear_light_of_half_floats(tmp_path):
    openexr()
    write_picture(picture(), tmp_path / "a.exr", EXR_HALF, {})
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=width,height,color_transfer"]
    try:
        told = subprocess.run(
            [*command, "-of", "csv=p=0", str(tmp_path / "a.exr")],
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("needs ffprobe")
    assert told.stdout.strip().startswith("7,5")
