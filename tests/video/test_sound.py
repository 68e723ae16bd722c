"""The sound of films, in step with their frames."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from svd_studio.video.sources.film import film_at
from svd_studio.video.sources.sound import sound_of
from svd_studio.video.trim import Trim

from .clips import add_sound, write_film


@pytest.mark.parametrize("late", [0.0, 0.25])
def test_sound_begins_with_the_first_frame(tmp_path, late):
    film = write_film(tmp_path / "a.mkv", count=36)
    path = add_sound(tmp_path / "b.mkv", film, 1.5, 2, late)
    sound = sound_of(path)
    clicks = sound.waveform[0].nonzero().flatten().tolist()
    assert len(sound.waveform) == 2
    assert np.allclose(clicks, [(late + at) * 48000 for at in (0, 0.5, 1.0)], atol=60)


def test_a_trim_takes_the_sound_along(tmp_path):
    film = write_film(tmp_path / "a.mkv", count=36)
    path = add_sound(tmp_path / "b.mkv", film, 1.5, 1)
    part = film_at(path, Fraction(24)).trimmed(Trim(first=6, count=12))
    assert part.sound.waveform.shape == (1, 24000)
    assert abs(part.sound.waveform[0].nonzero().item() - 12000) <= 60


def test_surround_becomes_stereo_and_silence_is_none(tmp_path):
    film = write_film(tmp_path / "a.mkv", count=12)
    assert len(sound_of(add_sound(tmp_path / "b.mkv", film, 0.5, 6)).waveform) == 2
    assert sound_of(film) is None
