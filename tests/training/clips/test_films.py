"""What is a film in a folder, and what is a still."""

import shutil
from fractions import Fraction

import pytest
import torch
from PIL import Image
from svd_studio.training.clips.films import film_of_images, films_at, stamp_of, stamp_of_place

RATE = Fraction(10)


@pytest.fixture
def folder(tmp_path, panned, write_film, write_pictures):
    """Two films, one with a still, a folder of frames with one, and things that are none."""
    write_film(tmp_path / "beach.mp4", panned(6))
    write_film(tmp_path / "more" / "city.mp4", panned(6))
    write_pictures(tmp_path / "street", panned(6))
    still = Image.new("RGB", (30, 20), "red")
    still.save(tmp_path / "beach.png")
    still.save(tmp_path / "street.jpg")
    still.save(tmp_path / "lonely.png")
    (tmp_path / "beach.txt").write_text("a caption")
    (tmp_path / "._beach.mp4").write_bytes(b"of macOS")
    return tmp_path


def test_a_folder_gives_its_films_with_their_stills(folder):
    found = films_at(folder, RATE)
    stills = {film.name: film.still and film.still.name for film in found.films}
    assert stills == {"beach.mp4": "beach.png", "street": "street.jpg", "more/city.mp4": None}
    assert all(film.stream.clip.count == 6 for film in found.films)
    (sentence,) = found.skipped
    assert "lonely.png" in sentence


def test_a_folder_of_nothing_but_pictures_is_one_film(folder):
    (film,) = films_at(folder / "street", RATE).films
    assert (film.name, film.stream.clip.count) == ("street", 6)
    assert film.still == folder / "street.jpg"


def test_one_film_can_be_named_and_keeps_its_still(folder):
    (film,) = films_at(folder / "beach.mp4", RATE).films
    assert film.still == folder / "beach.png"


def test_some_pictures_can_be_named_by_a_pattern(folder):
    (film,) = films_at(folder / "street" / "f_00[0-3].png", RATE).films
    assert film.stream.clip.count == 4


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_is_a_film_and_a_picture_of_its_name_its_still(tmp_path, panned, suffix):
    first, *others = map(Image.fromarray, panned(5))
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=others, duration=100)
    first.save(tmp_path / "a.png")
    (film,) = films_at(tmp_path, RATE).films
    assert film.stream.clip.count == 5
    assert film.still == tmp_path / "a.png"


def test_a_webp_of_one_picture_is_a_still(tmp_path, panned, write_film):
    write_film(tmp_path / "a.mp4", panned(4))
    Image.fromarray(panned(1)[0]).save(tmp_path / "a.webp")
    (film,) = films_at(tmp_path, RATE).films
    assert film.still == tmp_path / "a.webp"


@pytest.mark.parametrize("files", [(), ("notes.txt", "song.mp3")])
def test_a_folder_without_films_is_refused_by_its_name(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("x")
    with pytest.raises(ValueError, match=f"{tmp_path.name} holds no films .{len(files)} files"):
        films_at(tmp_path, RATE)


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        films_at(tmp_path / "nowhere", RATE)


def test_a_batch_is_a_film():
    images = torch.rand(5, 8, 8, 3)
    film, other = film_of_images(images, RATE), film_of_images(images + 1e-3, RATE)
    assert film.stream.clip.count == 5
    assert film.stamp != other.stamp


def test_a_change_anywhere_in_the_folder_changes_its_stamp(folder, panned, write_film):
    before = stamp_of(folder)
    assert stamp_of(folder) == before
    write_film(folder / "more" / "deep" / "new.mp4", panned(4))
    after = stamp_of(folder)
    assert after != before
    shutil.rmtree(folder / "more" / "deep")
    assert stamp_of(folder) != after
    assert stamp_of(folder / "missing.mp4") != stamp_of(folder / "beach.mp4")


@pytest.mark.parametrize("place", ["beach.mp4", "beach.*"])
def test_a_new_still_changes_what_is_at_the_place_of_a_film(folder, place):
    before = stamp_of_place(folder / place)
    (folder / "beach.png").write_bytes(b"another")
    assert stamp_of_place(folder / place) != before
