"""From a plan to files, once."""

import errno
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from PIL import Image
from svd_studio.sampling.motion import motion_bucket_of
from svd_studio.training.clips.cache import load_clip, load_thumbnails
from svd_studio.training.clips.encoders import fingerprint_of
from svd_studio.training.clips.films import Found, film_of_images, films_at
from svd_studio.training.clips.plan import ClipSettings, plan_clips
from svd_studio.training.clips.prepare import NOISY, content_key, prepare_clips, read_clip
from svd_studio.video.disk import DiskFullError
from torch import nn

RATE = Fraction(10)
SMALL = ClipSettings(4, width=96, height=64)


@pytest.fixture
def plan(panned):
    """Five clips of one film of the size that is asked for."""
    film = film_of_images(torch.from_numpy(panned(20)).float() / 255, RATE)
    return plan_clips(Found((film,)), SMALL)


def test_a_clip_is_what_the_networks_make_of_its_frames(plan, counted, tmp_path):
    clips = prepare_clips(plan, counted.encoders, tmp_path / "set")
    entry = clips.entries[1]
    frames, _ = read_clip(plan.clips[1])
    torch.testing.assert_close(frames, plan.clips[1].film.stream.source.images[4:8])
    clip = load_clip(clips.folder, entry)
    latents = counted.encoders.encode(frames)
    torch.testing.assert_close(clip.latents, latents, atol=1e-3, rtol=0)
    torch.testing.assert_close(clip.conditioning[0], latents[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(clip.embedding, frames[:1].mean((1, 2)), atol=1e-3, rtol=0)
    assert entry.source == "images from frame 4"
    assert entry.shape == (4, 64, 96)
    assert entry.fps == 10
    assert entry.motion_bucket_id == pytest.approx(motion_bucket_of(2 / 96, 10), abs=5)
    assert load_thumbnails(clips.folder, entry).shape == (3, 64, 96, 3)


def test_the_conditioning_noise_is_what_the_clip_says(tmp_path, counted):
    film = film_of_images(torch.full((80, 64, 96, 3), 0.5), RATE)
    clips = prepare_clips(plan_clips(Found((film,)), SMALL), counted.encoders, tmp_path)
    levels = []
    for entry in clips.entries:
        clip = load_clip(clips.folder, entry)
        assert clip.conditioning.shape == (1 + NOISY, 4, 8, 12)
        assert clip.cond_aug[0] == 0
        # a mean of 64 pixels of noise in -1..1, which is half as much in 0..1
        found = (clip.conditioning[1:, :3] - 0.5).flatten(1).std(1) * 8 * 2
        torch.testing.assert_close(found, clip.cond_aug[1:], rtol=0.25, atol=2e-3)
        levels += clip.cond_aug[1:].log().tolist()
    assert torch.tensor(levels).mean() == pytest.approx(-3, abs=0.35)
    assert torch.tensor(levels).std() == pytest.approx(0.5, abs=0.3)


def test_a_second_run_encodes_nothing_and_finds_the_same(plan, counted, tmp_path):
    first = prepare_clips(plan, counted.encoders, tmp_path)
    assert counted.encoded == 5
    again = prepare_clips(plan, counted.encoders, tmp_path)
    assert counted.encoded == 5
    assert again == first


def test_an_interrupted_run_goes_on_where_it_was(plan, counted, tmp_path):
    def cancel(done, count):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_clips(plan, counted.encoders, tmp_path, cancel)
    clips = prepare_clips(plan, counted.encoders, tmp_path)
    assert counted.encoded == 5
    assert len(clips.entries) == 5


def test_a_clip_that_was_damaged_is_encoded_again(plan, counted, tmp_path):
    clips = prepare_clips(plan, counted.encoders, tmp_path)
    file = tmp_path / clips.entries[2].file
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match=r"from frame 8.*damaged"):
        load_clip(tmp_path, clips.entries[2])
    assert prepare_clips(plan, counted.encoders, tmp_path) == clips
    assert counted.encoded == 6
    assert file.read_bytes() == whole


def test_whatever_changes_the_content_changes_the_name(plan):
    clip = plan.clips[0]
    variants = [
        replace(clip, start=1),
        replace(clip, offsets=(0, 2, 4, 6)),
        replace(clip, fps=5),
        replace(clip, size=(64, 64)),
        replace(clip, mirrored=True),
        replace(clip, film=replace(clip.film, stamp="changed")),
    ]
    keys = [content_key(c, 0, "fake") for c in (clip, *variants)]
    keys += [content_key(clip, 1, "fake"), content_key(clip, 0, "other")]
    assert len(set(keys)) == len(keys)


def test_a_mirrored_clip_is_the_clip_flipped(plan, counted, tmp_path):
    mirrored = plan_clips(Found((plan.clips[0].film,)), replace(SMALL, mirror=True))
    clips = prepare_clips(mirrored, counted.encoders, tmp_path)
    one, other = (load_clip(tmp_path, entry) for entry in clips.entries[:2])
    torch.testing.assert_close(other.latents, one.latents.flip(-1), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        other.conditioning[0], one.conditioning[0].flip(-1), atol=1e-3, rtol=0
    )


def test_a_still_beside_the_film_is_what_its_clips_are_conditioned_on(
    tmp_path, panned, write_film, counted
):
    write_film(tmp_path / "films" / "a.mp4", panned(8))
    Image.new("RGB", (300, 200), (255, 0, 0)).save(tmp_path / "films" / "a.png")
    clips = prepare_clips(
        plan_clips(films_at(tmp_path / "films", RATE), SMALL), counted.encoders, tmp_path / "set"
    )
    red = torch.tensor([1.0, 0.0, 0.0])
    for entry in clips.entries:
        clip = load_clip(clips.folder, entry)
        torch.testing.assert_close(clip.embedding[0], red)
        torch.testing.assert_close(clip.conditioning[0, :3].mean((1, 2)), red)
        assert (clip.latents[0, 0] < 0.95).any()


def test_clips_of_any_shape_are_cut_to_their_bucket(tmp_path, counted):
    wide = film_of_images(torch.rand(1, 40, 200, 4).repeat(4, 1, 1, 1), RATE)
    high = replace(film_of_images(torch.rand(1, 200, 100, 1).repeat(4, 1, 1, 1), RATE), name="high")
    clips = prepare_clips(plan_clips(Found((wide, high)), SMALL), counted.encoders, tmp_path)
    for entry in clips.entries:
        clip = load_clip(tmp_path, entry)
        assert clip.latents.shape == (4, 4, entry.height // 8, entry.width // 8)
    assert clips.entries[0].width > clips.entries[0].height
    assert clips.entries[1].width < clips.entries[1].height


def test_held_out_clips_are_marked(plan, counted, tmp_path):
    clips = prepare_clips(plan, counted.encoders, tmp_path)
    assert [entry.held_out for entry in clips.entries] == [False] * 4 + [True]


def test_a_still_that_cannot_be_read_is_named(tmp_path, panned, write_film, counted):
    write_film(tmp_path / "a.mp4", panned(8))
    write_film(tmp_path / "b.mp4", panned(4))
    (tmp_path / "a.png").write_bytes(b"no picture")
    clips = prepare_clips(
        plan_clips(films_at(tmp_path, RATE), SMALL), counted.encoders, tmp_path / "set"
    )
    assert [entry.source for entry in clips.entries] == ["b.mp4 from frame 0"]
    assert len(clips.skipped) == 1
    assert "a.png" in clips.skipped[0]


def test_a_film_that_is_gone_by_now_is_named_and_nothing_left_is_an_error(
    tmp_path, panned, write_film, counted
):
    film = write_film(tmp_path / "a.mp4", panned(8))
    plan = plan_clips(films_at(film, RATE), SMALL)
    film.unlink()
    with pytest.raises(ValueError, match=r"(?s)No clip can be trained on.*a\.mp4"):
        prepare_clips(plan, counted.encoders, tmp_path / "set")


def test_a_full_disk_is_said_and_leaves_no_part_of_a_file(plan, counted, tmp_path, monkeypatch):
    write = Path.write_bytes

    def fails(path, content):
        write(path, content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(DiskFullError, match=f"{tmp_path.name}.*full disk"):
        prepare_clips(plan, counted.encoders, tmp_path)
    assert not list(tmp_path.iterdir())


def test_latents_that_are_no_numbers_are_never_kept(plan, counted, tmp_path):
    broken = replace(counted.encoders, encode=lambda frames: frames[:, :8, :8] * torch.nan)
    with pytest.raises(ValueError, match=r"images from frame 0.*fp32-vae"):
        prepare_clips(plan, broken, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_clip_that_is_missing_is_named(plan, counted, tmp_path):
    clips = prepare_clips(plan, counted.encoders, tmp_path)
    (tmp_path / clips.entries[0].file).unlink()
    with pytest.raises(ValueError, match=r"from frame 0.*missing"):
        load_clip(tmp_path, clips.entries[0])


def test_networks_are_told_apart_by_their_weights():
    one, other = nn.Linear(5, 5), nn.Linear(5, 5)
    assert fingerprint_of(one) == fingerprint_of(one)
    prints = {fingerprint_of(one), fingerprint_of(other), fingerprint_of(one, other)}
    prints.add(fingerprint_of(one.half()))
    assert len(prints) == 4
