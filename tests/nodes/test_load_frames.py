"""SVD Load Frames: paths, parts, sound, and core's VIDEO."""

from __future__ import annotations

from fractions import Fraction
from unittest.mock import patch

import av
import numpy as np
import pytest
import torch
from svd_studio.video.sources.images import ImageBatch

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

FRAMES = torch.rand(9, 4, 6, 3, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def film(tmp_path):
    """A lossless film of 12 grey levels with a second of sound, in ComfyUI's input folder."""
    import folder_paths

    before = folder_paths.get_input_directory()
    folder_paths.set_input_directory(str(tmp_path))
    path = tmp_path / "shots" / "a.mkv"
    path.parent.mkdir()
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=12)
        stream.width, stream.height, stream.pix_fmt = 16, 8, "gray"
        sound = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        for number in range(12):
            array = np.full((8, 16), number * 20, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(array, "gray")))
        file.mux(stream.encode(None))
        wave = np.arange(8000, dtype=np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, "s16", "mono")
        frame.sample_rate = 8000
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    yield path
    folder_paths.set_input_directory(before)


def load(*arguments, **named):
    from svd_studio.nodes.frame_sources import SVDLoadFrames

    return SVDLoadFrames.execute(*arguments, **named).args


def levels(stream):
    return [round(frame[0, 0, 0].item() * 255) for frame in stream.frames()]


@pytest.mark.parametrize("whole_path", [False, True])
def test_a_film_is_loaded_by_its_path(film, whole_path):
    stream, audio, fps, count = load(str(film) if whole_path else "shots/a.mkv")
    assert (fps, count) == (12.0, 12)
    assert levels(stream) == list(range(0, 240, 20))
    assert audio["sample_rate"] == 8000
    assert audio["waveform"].shape == (1, 1, 8000)


def test_a_part_of_a_film_has_its_part_of_the_sound(film):
    stream, audio, fps, count = load(str(film), skip_first=3, frame_limit=2, every_nth=3)
    assert (fps, count) == (4.0, 2)
    assert levels(stream) == [60, 120]
    assert (audio["waveform"][0, 0] * 2**15).round().tolist() == list(range(2000, 6000))


def test_a_folder_has_the_fps_that_is_asked_for_and_no_sound(film):
    import cv2

    for number in (1, 2, 4):
        cv2.imwrite(str(film.parent / f"s_{number}.png"), np.full((4, 4), number, np.uint8))
    with patch("svd_studio.nodes.frame_sources.show") as shown:
        stream, audio, fps, count = load("shots/s_*.png", fps=23.976)
    assert levels(stream) == [1, 2, 4]
    assert (audio, fps, count) == (None, float(Fraction(24000, 1001)), 3)
    assert "missing in shots: 3" in shown.call_args.args[0]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "no film: connect"),
        ("  ", "no film: connect"),
        ("../a.mkv", "leads out"),
        ("shots/../../a.mkv", "leads out"),
        ("missing.mkv", "no file"),
        ("missing_*.png", "no pictures"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(film, path, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load(path)


def test_paths_may_turn_around_inside_the_input_folder_and_be_quoted(film):
    assert load('"shots/../shots/a.mkv"')[3] == 12


def test_a_changed_file_is_run_again(film):
    from svd_studio.nodes.frame_sources import SVDLoadFrames

    def stamp(**widgets):
        return SVDLoadFrames.fingerprint_inputs(**widgets)

    named = {"path": "shots/a.mkv", "fps": 24.0}
    before = stamp(**named), stamp(path="shots", fps=24.0)
    assert stamp(**named) == before[0]
    film.write_bytes(film.read_bytes() + b"\0")
    assert stamp(**named) != before[0]
    assert stamp(path="shots", fps=24.0) != before[1]
    assert isinstance(stamp(path="", fps=24.0), str)


def video_of(film, as_bytes):
    import io

    from comfy_api.latest import InputImpl

    return InputImpl.VideoFromFile(io.BytesIO(film.read_bytes()) if as_bytes else str(film))


@pytest.mark.parametrize("as_bytes", [False, True], ids=["path", "bytes"])
def test_a_video_on_the_socket_is_read_from_its_file(film, as_bytes):
    from svd_studio.video.sources.video_file import VideoFile

    stream, audio, fps, count = load("elsewhere", video=video_of(film, as_bytes))
    assert isinstance(stream.source, VideoFile)
    assert (fps, count, audio["waveform"].shape[-1]) == (12.0, 12, 8000)
    assert levels(stream) == list(range(0, 240, 20))


@pytest.mark.parametrize(
    ("window", "expected"),
    [((0, 0), range(12)), ((0.25, 0), range(3, 12)), ((0.2, 0.5), range(3, 9))],
    ids=str,
)
def test_the_trim_of_a_video_is_kept(film, window, expected):
    """As newer versions of core have it."""
    video = video_of(film, False)
    video.get_active_trim_window = lambda: window
    stream, audio, _, _ = load(video=video)
    assert levels(stream) == [20 * number for number in expected]
    assert audio["waveform"].shape[-1] == pytest.approx(len(expected) * 8000 / 12, abs=1)


def test_a_video_that_is_no_longer_its_file_comes_from_memory(film):
    from comfy_api.latest import InputImpl, Types

    cropped = video_of(film, False)
    parts = Types.VideoComponents(images=FRAMES, audio=None, frame_rate=Fraction(7))
    cropped.get_dimensions, cropped.get_components = lambda: (10, 8), lambda: parts
    assert isinstance(load(video=cropped)[0].source, ImageBatch)
    stream, audio, fps, count = load(video=InputImpl.VideoFromComponents(parts))
    assert stream.source.images is FRAMES
    assert (audio, fps, count) == (None, 7.0, 9)
