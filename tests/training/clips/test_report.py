"""A set in words and in a picture."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from svd_studio.training.clips.films import Found, film_of_images
from svd_studio.training.clips.plan import ClipSettings, plan_clips
from svd_studio.training.clips.prepare import prepare_clips
from svd_studio.training.clips.report import CELL, contact_sheet, describe


@pytest.fixture
def clips(panned, counted, tmp_path):
    film = film_of_images(torch.from_numpy(panned(60)).float() / 255, Fraction(10))
    found = Found((film,), ("lonely.png stands alone.",))
    settings = ClipSettings(4, width=96, height=64, clips_per_film=0)
    return prepare_clips(plan_clips(found, settings), counted.encoders, tmp_path)


def test_the_report_says_what_there_is_and_what_was_skipped(clips):
    report = describe(clips)
    for told in (
        "15, of 1 films",
        "15 of 4 frames 96x64 at 10 fps",
        "training     13",
        "2: images from frame 52; images from frame 56",
        "lonely.png stands alone.",
    ):
        assert told in report
    bucket = sorted(entry.motion_bucket_id for entry in clips.entries)[7]
    assert f"median {bucket}" in report


def test_the_contact_sheet_shows_three_frames_of_twelve_clips(clips):
    sheet = contact_sheet(clips)
    assert sheet.dtype == np.uint8
    assert sheet.shape[0] > 6 * CELL[1]
    assert sheet.shape[1] > 6 * CELL[0]
    coloured = (sheet.max(-1).astype(int) - sheet.min(-1)) > 40
    assert coloured.mean() > 0.4
