"""Folders of pictures: order, gaps, depth, light, and what is refused before a render begins."""

from __future__ import annotations

import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from svd_studio.video.sources.animation import Animation
from svd_studio.video.sources.film import film_at
from svd_studio.video.sources.image_file import read_picture
from svd_studio.video.sources.image_folder import ImageFolder, _as_counted

RATE = Fraction(24)


def picture(seed=0, size=(6, 8), channels=3, kind=np.uint8):
    random = np.random.default_rng(seed)
    if kind is np.float32:
        return random.random((*size, channels), np.float32)
    return random.integers(0, np.iinfo(kind).max, (*size, channels), kind, endpoint=True)


def save(path, pixels):
    """With OpenCV, which writes blue first."""
    order = [2, 1, 0, 3][: pixels.shape[-1]] if pixels.shape[-1] > 1 else [0]
    assert cv2.imwrite(str(path), pixels[..., order])
    return path


def folder(tmp_path, names):
    for seed, name in enumerate(names):
        save(tmp_path / name, picture(seed))
    return ImageFolder(tmp_path, rate=RATE)


def test_pictures_come_in_the_order_of_their_numbers(tmp_path):
    names = ["shot_10.png", "shot_2.png", "shot_1.png", "shot_0003.png"]
    film = folder(tmp_path, names)
    expected = [picture(seed) for seed in (2, 1, 3, 0)]
    found = [(frame * 255).round().numpy() for frame in film.frames(0)]
    assert len(found) == film.clip.count == 4
    assert all(map(np.array_equal, found, expected))


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1), st.integers(0, 7))
def test_numbers_sort_as_numbers_however_they_are_padded(numbers, width):
    from pathlib import Path

    paths = [Path(f"a2_v1.{number:0{width}d}.png") for number in numbers]
    expected = [Path(f"a2_v1.{number:0{width}d}.png") for number in sorted(numbers)]
    assert sorted(paths, key=_as_counted) == expected


def test_any_start_gives_the_tail(tmp_path):
    film = folder(tmp_path, [f"{n}.png" for n in range(5)])
    whole = list(film.frames(0))
    for start in range(6):
        tail = list(film.frames(start))
        assert len(tail) == 5 - start
        assert all(map(torch.equal, tail, whole[start:]))


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ([1, 2, 3], ""),
        ([1, 2, 4], "missing in {}: 3; the film goes on without"),
        ([1001, 1005, 1007], "missing in {}: 1002 to 1004, 1006; the film goes on without"),
        (
            [0, 2, 4, 6, 8, 10],
            "missing in {}: 1, 3, 5 and 2 more gaps; the film goes on without",
        ),
    ],
    ids=str,
)
def test_gaps_in_the_numbers_are_named(tmp_path, numbers, named):
    film = folder(tmp_path, [f"shot.{n:04}.png" for n in numbers])
    assert film.gaps == named.format(tmp_path.name)


def test_names_without_numbers_have_no_gaps(tmp_path):
    assert folder(tmp_path, ["a.png", "b.png", "c7.png"]).gaps == ""


def test_a_pattern_chooses(tmp_path):
    folder(tmp_path, ["a_1.png", "a_2.png", "b_1.png"])
    assert ImageFolder(tmp_path, "a_*.png").clip.count == 2
    assert film_at(tmp_path / "b_*.png", RATE).stream.clip.count == 1
    assert film_at(tmp_path / "a_2.png", RATE).stream.clip.count == 1
    assert film_at(tmp_path, RATE).stream.clip.count == 3


def test_other_files_and_hidden_ones_are_no_frames(tmp_path):
    film = folder(tmp_path, ["1.png"])
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "._1.png").write_bytes(b"a resource fork")
    assert film.clip.count == 1


@pytest.mark.parametrize(
    ("name", "kind", "channels"),
    [
        ("a.png", np.uint8, 3),
        ("a.png", np.uint8, 4),
        ("a.png", np.uint16, 3),
        ("a.png", np.uint16, 4),
        ("a.png", np.uint16, 1),
        ("a.tif", np.uint8, 3),
        ("a.tif", np.uint16, 3),
        ("a.tif", np.float32, 3),
        ("a.tif", np.uint16, 1),
        ("a.bmp", np.uint8, 3),
    ],
    ids=str,
)
def test_every_value_is_kept(tmp_path, name, kind, channels):
    expected = picture(1, kind=kind, channels=channels)
    save(tmp_path / name, expected)
    film = ImageFolder(tmp_path)
    found = next(film.frames(0))
    assert film.clip.channels == found.shape[-1] == (4 if channels == 4 else 3)
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    scaled = found.double().numpy() * top
    assert np.allclose(scaled, expected, rtol=0, atol=0.01 if top > 1 else 1e-7)


def test_values_of_float_files_are_clamped(tmp_path):
    save(tmp_path / "a.tiff", np.full((4, 4, 3), 3.0, np.float32))
    assert (next(ImageFolder(tmp_path).frames(0)) == 1).all()


def test_palettes_and_grey_with_alpha_are_read(tmp_path):
    pixels = picture(2)
    Image.fromarray(pixels[..., :2], "LA").save(tmp_path / "1.png")
    indexed = Image.fromarray(pixels).quantize(8)
    indexed.save(tmp_path / "2.png")
    assert read_picture(tmp_path / "1.png").shape == (6, 8, 4)
    found = (read_picture(tmp_path / "2.png") * 255).round().byte().numpy()
    assert np.array_equal(found, np.asarray(indexed.convert("RGB")))


def test_photographs_stand_upright(tmp_path):
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    clip = ImageFolder(tmp_path).clip
    found = next(ImageFolder(tmp_path).frames(0))
    assert (clip.height, clip.width) == found.shape[:2] == (64, 32)
    assert found[:30].mean() > 0.95
    assert found[34:].mean() < 0.05


def test_alpha_of_the_first_picture_decides(tmp_path):
    save(tmp_path / "1.png", picture(1, channels=4))
    save(tmp_path / "2.png", picture(2))
    first, second = ImageFolder(tmp_path).frames(0)
    assert first.shape == second.shape == (6, 8, 4)
    assert (second[..., 3] == 1).all()


def test_mixed_sizes_are_refused_with_both_names_and_sizes(tmp_path):
    film = folder(tmp_path, ["1.png", "2.png"])
    save(tmp_path / "3.png", picture(size=(5, 7)))
    with pytest.raises(ValueError, match=r"1\.png is 8x6 and 3\.png is 7x5"):
        _ = film.clip


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path):
    with pytest.raises(ValueError, match="has no pictures"):
        _ = ImageFolder(tmp_path).clip
    with pytest.raises(FileNotFoundError, match="no folder"):
        _ = ImageFolder(tmp_path / "missing").clip


@pytest.mark.parametrize("name", ["9.png", "9.jpg", "9.tif"])
@pytest.mark.parametrize("share", [0.0, 0.6, 0.95])
def test_a_truncated_picture_is_refused_before_the_first_frame(tmp_path, name, share):
    save(tmp_path / "1.png", picture(size=(40, 60)))
    whole = save(tmp_path / name, picture(size=(40, 60))).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=rf"{name} cannot be read as a picture"):
        _ = ImageFolder(tmp_path).clip


def test_fingerprints_follow_the_pictures(tmp_path):
    film = folder(tmp_path, ["1.png", "2.png"])
    before = film.fingerprint()
    assert ImageFolder(tmp_path, rate=RATE).fingerprint() == before
    save(tmp_path / "2.png", picture(7))
    changed = film.fingerprint()
    save(tmp_path / "3.png", picture(8))
    assert len({before, changed, film.fingerprint()}) == 3


def write_exr(path, pixels, header=None):
    openexr = pytest.importorskip("OpenEXR")
    names = {1: "Y", 3: "RGB", 4: "RGBA"}[pixels.shape[-1]]
    pixels = pixels[..., 0] if names == "Y" else pixels
    told = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    openexr.File({**told, **(header or {})}, {names: pixels}).write(str(path))
    return path


def test_light_becomes_srgb_and_is_clamped(tmp_path):
    """18 % grey is 0.4614 in sRGB (IEC 61966-2-1)."""
    light = np.zeros((4, 5, 3), np.float32) + np.array([0.18, 1.0, 7.0], np.float32)
    write_exr(tmp_path / "a.exr", light)
    found = next(ImageFolder(tmp_path).frames(0))
    assert np.allclose(found[0, 0], [0.46136, 1, 1], atol=1e-4)
    as_it_is = next(ImageFolder(tmp_path, exr_is_light=False).frames(0))
    assert np.allclose(as_it_is[0, 0], [0.18, 1, 1], atol=1e-6)


def test_alpha_of_light_is_straightened(tmp_path):
    write_exr(tmp_path / "a.exr", np.full((2, 2, 4), 0.25, np.float32))
    found = read_picture(tmp_path / "a.exr")
    assert torch.allclose(found[0, 0], torch.tensor([1.0, 1.0, 1.0, 0.25]))


def test_other_primaries_become_those_of_rec709(tmp_path):
    """ACEScg's white and the ACEScg of a Rec.709 red, by the matrix of the ACES documentation."""
    red = [0.6130974, 0.0701937, 0.0206156]
    light = np.array([[[1.0, 1.0, 1.0], red]], np.float32)
    header = {"chromaticities": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)}
    found = read_picture(write_exr(tmp_path / "a.exr", light, header))
    assert np.allclose(found[0], [[1, 1, 1], [1, 0, 0]], atol=2e-3)


def test_the_display_window_is_the_picture(tmp_path):
    light = np.ones((4, 4, 3), np.float32)
    window = (np.array([1, 1], np.int32), np.array([6, 8], np.int32))
    path = write_exr(tmp_path / "a.exr", light, {"displayWindow": window})
    found = read_picture(path)
    assert ImageFolder(tmp_path).clip.height == found.shape[0] == 8
    assert found.shape == (8, 6, 3)
    assert found[:3, :3].min() > 0.9999
    assert found[3:].max() == 0
    assert found[:, 3:].max() == 0


def test_grey_light_and_unreadable_light(tmp_path):
    write_exr(tmp_path / "a.exr", np.full((2, 2, 1), 1.0, np.float32))
    assert read_picture(tmp_path / "a.exr").shape == (2, 2, 3)
    (tmp_path / "a.exr").write_bytes((tmp_path / "a.exr").read_bytes()[:200])
    with pytest.raises(ValueError, match="OpenEXR picture"):
        _ = ImageFolder(tmp_path).clip


def test_without_the_package_it_is_said_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.exr").write_bytes(b"light")
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(ImportError, match="pip install 'OpenEXR"):
        _ = ImageFolder(tmp_path).clip


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
def test_animations_are_films_too(tmp_path, name):
    frames = [Image.new("RGB", (8, 6), (n * 40, 0, 255)) for n in range(5)]
    frames[0].save(
        tmp_path / name, save_all=True, append_images=frames[1:], duration=140, lossless=True
    )
    film = film_at(tmp_path / name, RATE).stream
    assert isinstance(film.source, Animation)
    assert (film.clip.count, film.clip.channels, film.clip.rate) == (5, 3, Fraction(50, 7))
    whole = list(film.frames())
    assert [round(frame[0, 0, 0].item() * 255) for frame in whole] == [0, 40, 80, 120, 160]
    for start in range(6):
        assert all(map(torch.equal, film.frames(start), whole[start:]))


def test_an_animation_without_times_takes_the_rate_that_is_asked_for(tmp_path):
    frames = [Image.new("RGBA", (8, 6), (n * 40, 0, 255, 100)) for n in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=0)
    clip = film_at(tmp_path / "a.webp", RATE).stream.clip
    assert (clip.rate, clip.channels) == (RATE, 4)


def test_an_unreadable_animation_is_refused(tmp_path):
    (tmp_path / "a.webp").write_bytes(b"RIFF no picture")
    with pytest.raises(ValueError, match="cannot be read as an animation"):
        _ = Animation(tmp_path / "a.webp").clip
