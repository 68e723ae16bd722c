"""From films to clips, before any network."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from svd_studio.training.clips.films import Found, film_of_images, films_at
from svd_studio.training.clips.plan import ClipSettings, find_starts, plan_clips
from svd_studio.training.clips.remembered_places import remembered

RATE = Fraction(10)
SMALL = ClipSettings(4, width=64, height=64)


@pytest.fixture
def film(panned):
    """film(count): as a batch, at 10 fps."""

    def of(frames):
        return film_of_images(torch.from_numpy(frames).float() / 255, RATE)

    return lambda count: of(panned(count)) if isinstance(count, int) else of(count)


def planned(films, settings=SMALL, **named):
    return plan_clips(Found(tuple(films)), settings, **named)


def places(plan):
    return [clip.start for clip in plan.clips]


def test_clips_do_not_overlap_and_fill_the_film(film):
    assert places(planned([film(21)])) == [0, 4, 8, 12, 16]


def test_a_long_film_gives_its_share_evenly_spread(film):
    settings = ClipSettings(4, width=64, height=64, clips_per_film=3)
    assert places(planned([film(32)], settings)) == [0, 11, 22]


def test_a_slower_rate_spreads_a_clip_over_more_of_the_film(film):
    settings = ClipSettings(4, fps=4, width=64, height=64)
    (clip,) = planned([film(10)], settings).clips
    assert clip.offsets == (0, 3, 5, 8)
    assert clip.fps == 4


def test_clips_lie_between_cuts(film, panned):
    shots = np.concatenate([panned(7), 255 - panned(6)[:, ::-1], panned(3) // 4])
    plan = planned([film(shots)])
    assert places(plan) == [0, 7]


def test_a_film_of_cuts_is_skipped(film, panned):
    shots = np.concatenate([panned(3), 255 - panned(3)[:, ::-1] // 2, panned(3)])
    plan = planned([film(shots), film(8)])
    assert places(plan) == [0, 4]
    assert plan.skipped == ("images has no 4 frames without a scene cut: no clip is made of it.",)


def test_mirrored_clips_are_added_when_asked_for(film):
    settings = ClipSettings(4, width=64, height=64, mirror=True)
    plan = planned([film(8)], settings)
    assert [(clip.start, clip.mirrored) for clip in plan.clips] == [
        (0, False), (0, True), (4, False), (4, True),
    ]  # fmt: skip


def test_bad_films_are_named_and_the_good_ones_go_on(tmp_path, panned, write_film, write_pictures):
    write_film(tmp_path / "good.mp4", panned(9))
    write_film(tmp_path / "short.mp4", panned(3))
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    whole = write_film(tmp_path / "cut.mp4", panned(9)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    write_pictures(tmp_path / "mixed", panned(4))
    import cv2

    cv2.imwrite(str(tmp_path / "mixed" / "g.png"), np.zeros((5, 5, 3), np.uint8))
    plan = plan_clips(films_at(tmp_path, RATE), SMALL)
    assert [clip.source for clip in plan.clips] == [
        "good.mp4 from frame 0",
        "good.mp4 from frame 4",
    ]
    for name in ("short.mp4", "broken.mp4", "cut.mp4", "g.png"):
        assert any(name in sentence for sentence in plan.skipped), name
    assert len(plan.skipped) == 4


def test_a_film_that_is_damaged_inside_gives_the_clips_before_it(tmp_path, panned, write_pictures):
    folder = write_pictures(tmp_path / "film", panned(12))
    picture = folder / "f_006.png"
    data = bytearray(picture.read_bytes())
    data[60:-20] = bytes(len(data) - 80)
    picture.write_bytes(data)
    plan = plan_clips(films_at(folder, RATE), SMALL)
    assert places(plan) == [0]
    assert "f_006.png" in plan.skipped[0]


def test_with_nothing_left_the_first_reasons_are_told(tmp_path, panned, write_film):
    for number in range(7):
        write_film(tmp_path / f"{number}.mp4", panned(2))
    with pytest.raises(ValueError, match=r"(?s)No clip can be.*0.mp4 is too short.*and 2 more"):
        plan_clips(films_at(tmp_path, RATE), SMALL)


def test_what_is_done_is_told_and_a_film_can_be_left_in_its_middle(film):
    told = []
    planned([film(8), film(4)], on_film=lambda *step: told.append(step))
    assert told == [(1, 2), (2, 2)]

    def cancel():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        planned([film(8)], find=partial(find_starts, on_frame=cancel))


def test_places_are_looked_for_once(tmp_path, film):
    films, looked = [film(20)], []

    def search(*arguments):
        looked.append(arguments)
        return find_starts(*arguments)

    plans = [planned(films, find=remembered(tmp_path, search)) for _ in range(2)]
    assert places(plans[0]) == places(plans[1])
    assert len(looked) == 1
    planned(films, ClipSettings(5, width=64, height=64), find=remembered(tmp_path, search))
    assert len(looked) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"num_frames": 1}, {"width": 65}, {"fps": -1}, {"validation_share": 0.9}],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\d"):
        ClipSettings(**{"num_frames": 4} | wrong)
