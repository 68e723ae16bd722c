from __future__ import annotations

import pytest
from svd_studio.video.names import next_free_path


def name_after(folder, *existing, prefix="shot"):
    for name in existing:
        (folder / name).touch()
    return next_free_path(folder, prefix, ".mp4").name


def test_counting_starts_at_one(tmp_path):
    assert name_after(tmp_path) == "shot_00001.mp4"


def test_counting_goes_on_after_the_highest(tmp_path):
    assert name_after(tmp_path, "shot_00002.mp4", "shot_00007.mp4") == "shot_00008.mp4"


def test_counting_goes_past_five_digits(tmp_path):
    assert name_after(tmp_path, "shot_99999.mp4") == "shot_100000.mp4"


def test_other_names_do_not_count(tmp_path):
    others = (
        "shot_00005.png",
        "shots_00005.mp4",
        "shot_00005_.mp4",
        "shot_x.mp4",
        "a_shot_00009.mp4",
    )
    assert name_after(tmp_path, *others) == "shot_00001.mp4"


def test_prefix_is_no_pattern(tmp_path):
    assert name_after(tmp_path, "aab_00005.mp4", prefix="a+b") == "a+b_00001.mp4"


def test_differently_written_number_is_not_taken_twice(tmp_path):
    assert name_after(tmp_path, "shot_1.mp4") == "shot_00002.mp4"


def test_dangling_link_counts_as_taken(tmp_path):
    (tmp_path / "shot_00001.mp4").symlink_to(tmp_path / "gone.mp4")
    assert name_after(tmp_path) == "shot_00002.mp4"


@pytest.mark.parametrize("prefix", ["", "a/b", "..\\a", "a\0"])
def test_prefix_that_is_no_file_name_is_refused(tmp_path, prefix):
    with pytest.raises(ValueError, match="expected a file name prefix"):
        next_free_path(tmp_path, prefix, ".mp4")
