"""RIFE in all its versions: recognised by shapes, and computing what the published code does."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from svd_studio.dev.live_peak import LivePeak
from svd_studio.models.network_files import read_network
from svd_studio.models.rife import bands
from svd_studio.models.rife.architecture import Head, Layer, RifeArchitecture, named, recognise
from svd_studio.models.rife.interpolator import RifeInterpolator, auto_scale
from svd_studio.models.rife.network import IFNet, load_rife
from svd_studio.models.weight_files import WeightFileError

FOUR, FIVE = (8, 4, 2, 1), (16, 8, 4, 2, 1)
USUAL = (192, 128, 96, 64)
RESIDUAL = Layer.RESIDUAL
# Widths, inputs and outputs as the published IFNet_HDv3.py of each version has them (vs-rife 5).
VERSIONS = {
    "4.0": RifeArchitecture(USUAL, FOUR, Layer.PRELU, 1, 5, None),
    "4.2": RifeArchitecture(USUAL, FOUR, Layer.PLAIN, 1, 5, None),
    "4.5": RifeArchitecture(USUAL, FOUR, RESIDUAL, 1, 5, None),
    "4.6": RifeArchitecture(USUAL, FOUR, RESIDUAL, 1, 6, None),
    "4.7": RifeArchitecture(USUAL, FOUR, RESIDUAL, 1, 6, Head(16, 4, 2)),
    "4.10": RifeArchitecture(USUAL, FOUR, RESIDUAL, 1, 6, Head(32, 8, 4)),
    "4.12.lite": RifeArchitecture((128, 96, 64, 48), FOUR, RESIDUAL, 1, 6, Head(32, 4, 4)),
    "4.14.lite": RifeArchitecture(USUAL, FOUR, RESIDUAL, 2, 6, Head(32, 8, 4)),
    "4.15.lite": RifeArchitecture((128, 96, 64, 48), FOUR, RESIDUAL, 1, 6, Head(16, 4, 4)),
    "4.20": RifeArchitecture((384, 192, 96, 48), FOUR, RESIDUAL, 1, 6, Head(32, 8, 4)),
    "4.22": RifeArchitecture((256, 192, 96, 48), FOUR, RESIDUAL, 1, 13, Head(32, 8, 4)),
    "4.22.lite": RifeArchitecture((192, 128, 64, 32), FOUR, RESIDUAL, 1, 13, Head(16, 4, 4)),
    "4.25": RifeArchitecture((*USUAL, 32), FIVE, RESIDUAL, 1, 13, Head(16, 4, 4)),
    "4.25.lite": RifeArchitecture((*USUAL, 24), (32, 16, 8, 4, 1), RESIDUAL, 1, 13, Head(16, 4, 4)),
    "4.26.heavy": RifeArchitecture((*USUAL, 32), FIVE, RESIDUAL, 1, 13, Head(16, 16, 4)),
}
# What published encoders have been called; ours is the first.
CNN = {"encode.0": "encode.cnn0", "encode.2": "encode.cnn1", "encode.4": "encode.cnn2"}


def meta(architecture):
    with torch.device("meta"):
        return IFNet(architecture)


def narrow(architecture):
    """The same with a few channels, so that it runs in no time."""
    widths = tuple(8 * (number + 1) for number in range(len(architecture.widths)))[::-1]
    return replace(architecture, widths=(*widths[:-1], 24 if architecture.scales[0] == 32 else 8))


def random_weights(architecture, seed=0):
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, tensor in meta(architecture).state_dict().items():
        size = 0.9 / math.sqrt(tensor[0].numel()) if tensor.ndim == 4 else 0.2
        weights[name] = torch.randn(tensor.shape, generator=generator) * size
    return weights


def pictures(height=40, width=72, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 3, height, width, generator=generator)


@pytest.mark.parametrize("architecture", VERSIONS.values(), ids=VERSIONS)
def test_every_version_is_recognised_by_its_shapes(architecture):
    assert recognise(meta(architecture).state_dict()) == architecture


def test_names_of_other_publishers_are_the_same_network():
    weights = random_weights(narrow(VERSIONS["4.25"]))
    theirs = {}
    for name, tensor in weights.items():
        name = name.replace("encode.6", "encode.cnn3").replace("blocks.", "block")
        for ours, other in CNN.items():
            name = name.replace(ours, other)
        theirs[f"module.{name}"] = tensor
    theirs["module.teacher.conv0.weight"] = theirs["module.caltime.0.weight"] = torch.ones(1)
    assert named(theirs).keys() == weights.keys()
    first, second = pictures()
    expected = load_rife(weights)(first, second, 0.5)
    assert torch.equal(load_rife(theirs)(first, second, 0.5), expected)


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({"body.0.weight": torch.zeros(64, 3, 3, 3)}, "body.0.weight"),
        ({}, "nothing"),
        ({"block0.conv0.1.0.weight": torch.zeros(90, 45, 3, 3)}, "blocks.0.conv0.1.0.weight"),
    ],
)
def test_other_weights_are_refused_by_name(weights, found):
    with pytest.raises(WeightFileError, match=found):
        load_rife(weights)


def test_a_file_with_a_weight_missing_or_of_another_size_is_refused():
    weights = random_weights(narrow(VERSIONS["4.6"]))
    for change in ({"blocks.2.lastconv.0.bias": torch.zeros(7)}, {"more": torch.zeros(1)}):
        with pytest.raises(WeightFileError, match="no RIFE"):
            load_rife(weights | change)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("architecture", VERSIONS.values(), ids=VERSIONS)
def test_the_frame_is_that_of_the_plain_way(architecture, scale, monkeypatch):
    """Whole pictures at full size, padded and concatenated, as the papers' code has it."""
    monkeypatch.setattr(bands, "PIXELS", 2000)  # so that there are several bands
    network = load_rife(random_weights(narrow(architecture)))
    first, second = pictures(77, 50)
    expected = plain(network, first, second, 0.3, scale)
    drawn = network(first, second, 0.3, scale)
    assert (drawn - expected).abs().max() < 1e-4
    assert (drawn - (first + second) / 2).abs().mean() > 1e-2  # or the comparison says nothing


def plain(network, first, second, t, scale):
    height, width = first.shape[-2:]
    rows, columns = network.padded_size(first, scale)
    frames = [
        F.pad(f, (0, columns - width, 0, rows - height), mode="replicate") for f in (first, second)
    ]
    architecture = network.architecture
    features = [network.encode(f) for f in frames] if architecture.head else []
    time = torch.full((1, 1, rows, columns), t)
    flow = mask = rest = None
    for block, step in zip(network.blocks, architecture.scales, strict=True):
        by = step / scale
        if flow is None:
            seen = torch.cat((*frames, *features, time), 1)
        else:
            sides = [
                displaced(picture, flow[:, 2 * side : 2 * side + 2])
                for pair in (frames, features)
                for side, picture in enumerate(pair)
            ]
            seen = torch.cat((*sides, time, mask, rest), 1)
        seen = F.interpolate(seen, scale_factor=1 / by, mode="bilinear")
        if flow is not None:
            seen = torch.cat(
                (seen, F.interpolate(flow, scale_factor=1 / by, mode="bilinear") / by), 1
            )
        by = 2 * by if architecture.half_size else by
        found = F.interpolate(block(block.conv0(seen)), scale_factor=by, mode="bilinear")
        flow = found[:, :4] * by + (0 if flow is None else flow)
        mask = found[:, 4:5] + (mask if architecture.adds_masks and mask is not None else 0)
        rest = found[:, 5 : 5 + architecture.passed_on]
    sides = [displaced(f, flow[:, 2 * side : 2 * side + 2]) for side, f in enumerate(frames)]
    share = mask.sigmoid()
    return (sides[0] * share + sides[1] * (1 - share))[:, :, :height, :width]


def displaced(picture, flow):
    rows, columns = picture.shape[-2:]
    ys, xs = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    x, y = (xs + flow[:, 0]) / (columns - 1) * 2 - 1, (ys + flow[:, 1]) / (rows - 1) * 2 - 1
    grid = torch.stack((x, y), -1)
    return F.grid_sample(picture, grid, padding_mode="border", align_corners=True)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 64)])
@pytest.mark.parametrize("version", ["4.0", "4.26.heavy"])
def test_any_size_comes_back_as_it_was(size, version):
    interpolator = RifeInterpolator(load_rife(random_weights(narrow(VERSIONS[version]))))
    first, second = pictures(*size)
    sides = interpolator.prepare(first), interpolator.prepare(second)
    frames = list(interpolator.between(*sides, [0.25, 0.5]))
    assert [frame.shape for frame in frames] == [first.shape] * 2
    assert all(frame.isfinite().all() for frame in frames)


def test_the_scale_goes_with_the_longer_side():
    assert [auto_scale(1080, 1920), auto_scale(2560, 1440)] == [1, 1]
    assert [auto_scale(2160, 3840), auto_scale(3840, 2160), auto_scale(4320, 7680)] == [
        0.5,
        0.5,
        0.25,
    ]


@pytest.mark.parametrize(("version", "gibi"), [("4.6", 0.4), ("4.25", 0.75)])
def test_uhd_takes_little_memory_beside_the_two_frames(version, gibi):
    network = meta(VERSIONS[version]).requires_grad_(False)
    first, second = torch.empty(2, 1, 3, 2160, 3840, device="meta")
    with LivePeak() as live:
        network(first, second, 0.5, auto_scale(2160, 3840))
    assert live.peak / 2**30 < gibi


def test_real_weights_know_which_frame_is_near(rife_file):
    """A square that moves: at t it is t of the way."""
    network = load_rife(read_network(rife_file))
    frames = [square(at) for at in (40, 48, 56)]
    for t, expected in ((0.02, frames[0]), (0.5, frames[1]), (0.98, frames[2])):
        drawn = network(frames[0], frames[2], t)
        errors = [float((drawn - frame).pow(2).mean()) for frame in frames]
        assert min(errors) == errors[[0.02, 0.5, 0.98].index(t)]
        assert float((drawn - expected).pow(2).mean()) < 2e-3
    still = network(frames[0], frames[0], 0.5)
    assert (still - frames[0]).abs().mean() < 2e-3


def test_real_weights_carry_on_evenly(rife_file):
    network = load_rife(read_network(rife_file))
    first, second = square(40), square(56)
    drawn = [first, *(network(first, second, t / 4) for t in (1, 2, 3)), second]
    columns = torch.arange(128.0)
    share = [(frame.mean((0, 1, 2)) - 0.2).clamp_min(0) for frame in drawn]
    centres = [float((s * columns).sum() / s.sum()) for s in share]
    assert all(2 < after - before < 6 for before, after in pairwise(centres))


def square(left):
    """(1, 3, 64, 128) grey with a smooth bright square."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(128.0), indexing="ij")
    inside = torch.sigmoid(12 - (x - left - 8).abs()) * torch.sigmoid(12 - (y - 32).abs())
    return (0.2 + 0.6 * inside).expand(1, 3, -1, -1)


def test_half_precision_draws_the_same_picture(rife_file):
    weights = read_network(rife_file)
    frames = square(40), square(56)
    whole, half = load_rife(weights)(*frames, 0.5), load_rife(weights).half()(*frames, 0.5)
    assert half.dtype == torch.float32
    assert (whole - half).abs().max() < 5e-3
