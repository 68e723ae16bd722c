from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from svd_studio.video.write.formats import FilmFormat, formats
from svd_studio.video.write.order import Order
from svd_studio.video.write.render import write_stream
from svd_studio.video.write.sound import sound_in

from .streams import FILM, waves

FILMS = [label for label, one in formats().items() if isinstance(one, FilmFormat)]
RATE = 44_100


def tone(seconds: float, channels: int = 2, rate: int = RATE) -> dict:
    time = torch.arange(round(seconds * rate)) / rate
    wave = (2 * torch.pi * 440 * time).sin() * 0.5
    return {"waveform": wave.expand(1, channels, -1), "sample_rate": rate}


def write(folder, label, audio, count=24):
    order = Order(formats()[label], FILM, segment_frames=10, sound=sound_in(audio))
    return write_stream(waves(count, 128, 256), order, folder, "shot")


def heard(path) -> tuple[np.ndarray, int]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp")
        frames = [one for frame in container.decode(stream) for one in resampler.resample(frame)]
        return np.concatenate([one.to_ndarray()[0] for one in frames]), stream.rate


@pytest.mark.parametrize("label", FILMS)
def test_sound_is_heard_for_as_long_as_the_film_lasts(tmp_path, label):
    film = write(tmp_path, label, tone(3.0))
    samples, rate = heard(film.path)
    # Codecs that work in blocks may round the end up to a block.
    assert -1 / rate < len(samples) / rate - 24 / FILM < 0.05
    middle = samples[rate // 4 : rate // 4 + 4410]
    assert abs(np.sqrt(np.mean(middle**2)) - 0.5 / np.sqrt(2)) < 0.02
    assert any("cut to last" in note for note in film.notes)


def test_short_sound_is_followed_by_silence(tmp_path):
    film = write(tmp_path, "FFV1 16-bit RGB, lossless, keeps alpha (mkv)", tone(0.5))
    samples, rate = heard(film.path)
    assert len(samples) == round(24 / FILM * rate)
    assert np.abs(samples[rate // 2 + 1 :]).max() == 0
    assert np.abs(samples[: rate // 2]).max() > 0.4
    assert any("followed by silence" in note for note in film.notes)


@pytest.mark.parametrize("label", ["DNxHR HQX (mov)", "VP9, keeps alpha (webm)", "H.264 (mp4)"])
def test_pictures_keep_their_times_beside_sound(tmp_path, label):
    film = write(tmp_path, label, tone(1.0, channels=1, rate=22_050))
    with av.open(str(film.path)) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert max(abs(time - number / FILM) for number, time in enumerate(times)) <= 0.001


@pytest.mark.parametrize("shape", [(1, 6, 100), (2, 1, 100), (1, 0, 100), (2, 100)])
def test_other_than_one_mono_or_stereo_sound_is_refused(shape):
    with pytest.raises(ValueError, match=r"one sound with one or two channels, got .*mix it down"):
        sound_in({"waveform": torch.zeros(shape), "sample_rate": RATE})


def test_sound_of_pictures_is_left_out_and_told(tmp_path):
    order = Order(formats()["PNG pictures, 8-bit"], FILM, sound=sound_in(tone(1.0)))
    film = write_stream(waves(2, 8, 8), order, tmp_path, "shot")
    assert "the format has no sound" in film.notes
