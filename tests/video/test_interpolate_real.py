"""Frames of real clips taken out and drawn again, with real weights and without any."""

import logging
from statistics import mean

import numpy as np
import pytest
import torch
from svd_studio.models.network_files import read_network
from svd_studio.models.rife.interpolator import RifeInterpolator
from svd_studio.models.rife.network import load_rife
from svd_studio.video.interpolate.flow import FlowInterpolator
from svd_studio.video.motion_metrics import psnr

from .film_clips import read_animation, read_film

SMALL = 288, 512


class Blend:
    def prepare(self, frame):
        return frame

    def between(self, first, second, times):
        for t in times:
            yield torch.lerp(first, second, t)


@pytest.fixture(scope="module")
def drawers(rife_file):
    rife = RifeInterpolator(load_rife(read_network(rife_file)))
    return {"blend": Blend(), "flow": FlowInterpolator(), "rife": rife}


def eight_bits(frame):
    return (frame.clamp(0, 1) * 255).round().byte().numpy()


def drawn_again(drawer, triples):
    """Mean dB of the middle frames of triples."""
    decibels = []
    for first, middle, second in triples:
        sides = [drawer.prepare(frame.movedim(-1, 0)[None]) for frame in (first, second)]
        (drawn,) = drawer.between(*sides, [0.5])
        decibels.append(psnr(eight_bits(drawn[0].movedim(0, -1)), eight_bits(middle)))
    return mean(decibels)


def triples_of(file, middles):
    numbers = sorted({n + off for n in middles for off in (-1, 0, 1)})
    frames = dict(zip(numbers, read_film(file, numbers), strict=True))
    return [tuple(frames[n + off] for off in (-1, 0, 1)) for n in middles]


def check(drawers, triples, least):
    found = {name: drawn_again(drawer, triples) for name, drawer in drawers.items()}
    logging.info("%d drops: %s", len(triples), {n: f"{db:.2f} dB" for n, db in found.items()})
    assert found["rife"] >= least
    assert found["rife"] > found["blend"]
    assert found["flow"] > found["blend"]
    assert not np.isnan(list(found.values())).any()


def test_bikes(drawers, clip_file):
    check(drawers, triples_of(clip_file("bikes.mp4"), (9, 19, 39, 59, 69, 99)), 28)


def test_big_buck_bunny(drawers, clip_file):
    check(drawers, triples_of(clip_file("bigbuckbunny.mp4"), (21, 61, 101)), 33)


def test_a_clip_of_svd(drawers, clip_file):
    frames = list(read_animation(clip_file("svd_xt.webp"), SMALL))
    check(drawers, [frames[n - 1 : n + 2] for n in range(1, 26, 2)], 30)


@pytest.mark.slow
def test_bikes_whole(drawers, clip_file):
    check(drawers, triples_of(clip_file("bikes.mp4"), range(1, 249, 2)), 28)


@pytest.mark.slow
def test_big_buck_bunny_whole(drawers, clip_file):
    check(drawers, triples_of(clip_file("bigbuckbunny.mp4"), range(1, 131, 4)), 33)
