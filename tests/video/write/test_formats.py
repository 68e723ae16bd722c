from __future__ import annotations

import json

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.write.formats import FilmFormat, Quality, formats, read_format, read_formats

PLAIN = {
    "kind": "film",
    "label": "Mine",
    "suffix": ".mkv",
    "container": "matroska",
    "encoder": "utvideo",
    "pix_fmt": "gbrp",
    "sound": "flac",
}


def written(folder, **changes):
    file = folder / "mine.json"
    told = {key: value for key, value in {**PLAIN, **changes}.items() if value is not ...}
    file.write_text(json.dumps(told))
    return file


def test_file_is_all_that_a_new_codec_needs(tmp_path):
    described = read_format(written(tmp_path, options={"pred": "left"}))
    assert (described.encoder, described.options) == ("utvideo", {"pred": "left"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crf": 3}, "unknown keys crf: expected some of label, suffix"),
        ({"encoder": ...}, "nothing said of encoder"),
        ({"kind": "tape"}, "its kind is 'tape': expected one of film, sequence, animation"),
        ({"colour": "sepia"}, "'sepia' is not a valid Colour"),
        ({"quality": {"option": "crf", "table": []}}, "unknown keys table"),
    ],
)
def test_mistake_is_told_with_the_name_of_the_file(tmp_path, changes, message):
    with pytest.raises(ValueError, match=rf"mine\.json cannot be used: .*{message}"):
        read_format(written(tmp_path, **changes))


def test_half_a_file_is_told_with_its_name(tmp_path):
    (tmp_path / "mine.json").write_text('{"kind":')
    with pytest.raises(ValueError, match=r"mine\.json cannot be used"):
        read_format(tmp_path / "mine.json")


def test_two_formats_cannot_have_one_label(tmp_path):
    file = written(tmp_path)
    with pytest.raises(ValueError, match="'Mine' is taken"):
        read_formats([file, file])


@pytest.mark.parametrize("label", [k for k, v in formats().items() if isinstance(v, FilmFormat)])
def test_this_pyav_has_every_encoder(label):
    for encoder in (formats()[label].encoder, formats()[label].sound):
        assert av.Codec(encoder, "w").is_encoder


@given(st.integers(0, 100))
def test_quality_lies_between_its_points(quality):
    table = Quality("crf", ((0, 63), (80, 24), (100, 8)), 1)
    value = float(table.value(quality))
    assert value == round(value)
    right = 63 - 39 * quality / 80 if quality <= 80 else 24 - 16 * (quality - 80) / 20
    assert abs(value - right) <= 0.5


@pytest.mark.parametrize("quality", [-1, 101])
def test_quality_outside_is_refused(quality):
    with pytest.raises(ValueError, match=r"quality in 0\.\.100"):
        Quality("crf", ((0, 51), (100, 9))).value(quality)


def test_options_of_some_sizes_hold_for_these_only():
    """x264's macroblock tree reads past the right edge at widths that are no multiple of 128."""
    h264 = formats()["H.264 (mp4)"]
    assert "mbtree" not in h264.encoder_options(128, 64, 80)
    assert h264.encoder_options(192, 64, 80)["mbtree"] == "0"
    assert "rc-lookahead" not in h264.encoder_options(1920, 1080, 80)
    assert int(h264.encoder_options(3840, 2160, 80)["rc-lookahead"]) <= 10
