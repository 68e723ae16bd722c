from __future__ import annotations

import json
import subprocess
import sys
import weakref
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from svd_studio.video.disk import DiskFullError
from svd_studio.video.pictures.animation import AnimationKind, write_animation
from svd_studio.video.pictures.timing import Timing

GIF, WEBP = AnimationKind.GIF, AnimationKind.WEBP
FILM = Fraction(24000, 1001)
both = pytest.mark.parametrize("kind", AnimationKind, ids=lambda kind: kind.name)


def write(frames, folder, kind=GIF, rate=FILM, quality=80, plays=0, metadata=None):
    path = folder / f"a{kind.value.suffix}"
    count = write_animation(frames, path, rate, kind, quality, plays, metadata)
    return path, count


def read(path):
    """All frames as RGBA (H, W, 4) uint8, and their lengths in milliseconds."""
    with Image.open(path) as image:
        frames, lengths = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            frames.append(np.array(image.convert("RGBA")))
            lengths.append(image.info["duration"])
        return frames, lengths


def ramp(height, width, shift=0.0):
    """Smooth, as pictures are: red to the right, green down, blue by `shift`."""
    down = torch.linspace(0, 1, height)[:, None].expand(height, width)
    right = torch.linspace(0, 1, width)[None].expand(height, width)
    return torch.stack((right, down, (right * 0.5 + shift) % 1), dim=-1)


def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


@both
@pytest.mark.parametrize("size", [(1, 1), (17, 31), (48, 64)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 25])
def test_count_size_and_length_are_exact(tmp_path, noise, kind, count, size):
    path, written = write(noise(count, *size), tmp_path, kind)
    frames, lengths = read(path)
    assert (written, len(frames)) == (count, count)
    assert frames[0].shape == (*size, 4)
    tick = 1000 // kind.value.ticks_per_second
    assert sum(lengths) == tick * round(count * 1000 / (FILM * tick))


@given(st.fractions(Fraction(1, 100), 90), st.integers(0, 10_000))
def test_rounding_does_not_add_up(rate, frame):
    timing = Timing(rate, 100)
    assert abs(timing.start(frame) / Fraction(100) - frame / rate) <= Fraction(1, 200)
    assert timing.length(frame) == timing.start(frame + 1) - timing.start(frame)


def test_ffprobe_counts_the_same_gif(tmp_path, noise):
    path, _ = write(noise(25), tmp_path)
    entries = "stream=width,height,nb_read_frames,duration"
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", entries, "-of", "json"]
    try:
        told = subprocess.run([*command, str(path)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs ffprobe")
    stream = json.loads(told.stdout)["streams"][0]
    assert (stream["width"], stream["height"], stream["nb_read_frames"]) == (64, 48, "25")
    assert float(stream["duration"]) == 1.04


@both
def test_frames_that_are_all_the_same_keep_their_length(tmp_path, kind):
    path, count = write([ramp(16, 16)] * 10, tmp_path, kind)
    assert count == 10
    assert abs(sum(read(path)[1]) - 417) <= 4


@both
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_it_plays_as_often_as_told(tmp_path, noise, kind, plays):
    path, _ = write(noise(2), tmp_path, kind, plays=plays)
    with Image.open(path) as image:
        # GIF tells repeats after the first time, and nothing where there are none.
        told = {0: 0, 1: None, 3: 2}[plays] if kind is GIF else plays
        assert image.info.get("loop") == told


def test_webp_keeps_alpha(tmp_path):
    frame = torch.cat((ramp(20, 30), torch.linspace(0, 1, 30)[None, :, None].expand(20, 30, 1)), -1)
    path, _ = write([frame, frame.flip(1)], tmp_path, WEBP)
    frames, _ = read(path)
    assert np.array_equal(frames[0][..., 3], (frame[..., 3] * 255).round().numpy())
    assert np.array_equal(frames[1][..., 3], frames[0][:, ::-1, 3])


def test_webp_of_the_highest_quality_has_no_loss(tmp_path, noise):
    films = list(noise(3))
    path, _ = write(films, tmp_path, WEBP, quality=100)
    for found, frame in zip(read(path)[0], films, strict=True):
        assert np.array_equal(found[..., :3], (frame * 255).round().numpy())


def test_gif_pixels_are_there_or_not_and_leave_no_trail(tmp_path):
    frames = []
    for place in (0, 10, 20):
        alpha = torch.zeros(20, 30, 1)
        alpha[:, place : place + 8] = 0.6
        alpha[:, place : place + 2] = 0.4
        frames.append(torch.cat((ramp(20, 30), alpha), dim=-1))
    path, _ = write(frames, tmp_path)
    for found, frame in zip(read(path)[0], frames, strict=True):
        assert np.array_equal(found[..., 3] == 255, frame[..., 3].numpy() > 0.5)
        assert set(np.unique(found[..., 3])) == {0, 255}


@both
def test_opaque_frames_have_no_holes(tmp_path, noise, kind):
    path, _ = write(noise(3), tmp_path, kind)
    assert all((frame[..., 3] == 255).all() for frame in read(path)[0])


def test_gif_does_not_flicker_where_nothing_moves(tmp_path):
    # Errors are handed to the right and down, so the upper half cannot know of the lower one.
    still = ramp(32, 64)
    frames = [torch.cat((still, ramp(32, 64, shift / 8))) for shift in range(8)]
    found, _ = read(write(frames, tmp_path)[0])
    assert all(np.array_equal(frame[:32], found[0][:32]) for frame in found)


def test_gif_looks_like_the_film_from_afar(tmp_path):
    # A sky over a field, and the light changes: 256 colours cannot have all of it.
    down = torch.linspace(0, 1, 90)[:, None, None].expand(90, 160, 3)
    right = torch.linspace(0.8, 1, 160)[None, :, None]
    sky, field = torch.tensor([0.3, 0.5, 0.95]), torch.tensor([0.6, 0.5, 0.2])
    picture = (sky * (1 - down) + field * down) * right
    frames = [picture * light for light in torch.linspace(0.6, 1, 6)]
    for found, frame in zip(read(write(frames, tmp_path)[0])[0], frames, strict=True):
        error = found[..., :3] - frame.numpy() * 255
        assert np.abs(error).mean() < 4
        assert np.abs(cv2.GaussianBlur(error, (0, 0), 1.5)).mean() < 1


def test_lower_quality_has_fewer_colours(tmp_path):
    counts = []
    for quality in (0, 40, 80):
        path, _ = write([ramp(64, 64)], tmp_path, quality=quality)
        counts.append(len(np.unique(read(path)[0][0].reshape(-1, 4), axis=0)))
        path.unlink()
    assert counts[0] <= 32 < 100 < counts[1] <= 144 < 200 < counts[2] <= 256


def test_comfyui_finds_its_graph_in_a_webp(tmp_path, noise):
    texts = {"prompt": '{"3": 1}', "workflow": '{"nodes": []}', "licence": "Stability AI"}
    path, _ = write(noise(2), tmp_path, WEBP, metadata=texts)
    with Image.open(path) as image:
        told = [text.split(":", 1) for text in image.getexif().values()]
    assert dict(told) == texts


@both
def test_memory_does_not_grow_with_the_film(tmp_path, kind):
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    alive, resident = weakref.WeakSet(), {}

    def frames():
        for number in range(161):
            frame = ramp(90, 160, number / 161)
            alive.add(frame)
            assert len(alive) <= 4
            resident[number] = resident_mib()
            yield frame

    write(frames(), tmp_path, kind)
    # 120 frames of this size are 26 MiB as floats, and 7 MiB as whole numbers.
    assert resident[160] - resident[40] < 4


GREY = torch.full((4, 4, 3), 0.5)


@both
@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames to write"),
        ([GREY, GREY.new_full((4, 4, 3), float("nan"))], "NaN for frame 1"),
        ([GREY, GREY[:2]], "4x4 like the first, got 4x2 at frame 1"),
        ([GREY, torch.zeros(4, 4, 4)], "got 4x4 with alpha at frame 1"),
        ([torch.zeros(4, 4)], r"got \(4, 4\)"),
        ([torch.zeros(1, 2**16, 3)], "sides of up to .* got 65536x1"),
    ],
    ids=["none", "nan", "sizes", "alpha", "flat", "wide"],
)
def test_impossible_frames_are_refused_and_nothing_is_left(tmp_path, kind, frames, message):
    with pytest.raises(ValueError, match=message):
        write(frames, tmp_path, kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "rate"), [(GIF, 60), (WEBP, 120), (GIF, Fraction(1, 700)), (WEBP, 0)], ids=str
)
def test_rates_that_browsers_do_not_show_are_refused(tmp_path, kind, rate):
    with pytest.raises(ValueError, match=f"what browsers show of {kind.name}"):
        write([GREY], tmp_path, kind, Fraction(rate))


@both
def test_nothing_is_overwritten(tmp_path, kind):
    path, _ = write([GREY], tmp_path, kind)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="expected a free file name"):
        write([GREY], tmp_path, kind)
    assert path.read_bytes() == before


@both
def test_full_disk_is_said_and_nothing_is_left(mounted, noise, kind):
    disk = mounted()
    with pytest.raises(DiskFullError, match="full disk"):
        write(noise(20, 100, 160), disk, kind, quality=100)
    assert list(disk.iterdir()) == []


@both
def test_an_error_of_the_frames_passes_and_nothing_is_left(tmp_path, noise, kind):
    def broken():
        yield from noise(3)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        write(broken(), tmp_path, kind)
    assert list(tmp_path.iterdir()) == []
