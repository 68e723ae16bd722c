"""Every pixel format to RGB, whatever its planes are and wherever a band of rows ends."""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from svd_studio.video.sources.film_pixels import rgb_of

GREY = 77
EXACT = ["rgb24", "bgr24", "gbrp", "rgba", "bgra", "gbrap", "bgr0", "argb", "0rgb"]
NEAR = [
    "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuv411p", "yuv410p", "nv12", "yuyv422", "uyvy422",
    "yuv420p10le", "yuv422p12le", "yuv444p16le", "p010le", "yuva420p", "yuva444p10le", "gray",
    "gray10le", "gray16le", "ya8", "gbrp10le", "gbrp16le", "gbrpf32le", "rgb48le", "rgb48be",
    "rgba64le", "x2rgb10le", "yuv422p10be", "vuya", "ayuv64le",
]  # fmt: skip


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("name", EXACT)
def test_eight_bit_rgb_is_exact(name):
    pixels = picture(33, 47)
    found = rgb_of(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=name))
    assert torch.equal(found[..., :3], torch.from_numpy(pixels) / 255)
    assert found.shape[-1] == 3 or (found[..., 3] == 1).all()


@pytest.mark.parametrize("name", NEAR)
@pytest.mark.parametrize("size", [(128, 64), (257, 32)], ids=str)
def test_grey_stays_grey_in_every_format(name, size):
    """FFmpeg's own conversion may be off by a code or more on the way in.

    At widths that are no multiple of 32 it may be off by anything (8.1), so these come below.
    """
    pixels = np.full((*size, 3), GREY, np.uint8)
    found = rgb_of(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=name))
    assert found.shape[:2] == size
    assert (found[..., :3] - GREY / 255).abs().max() < 2 / 255
    assert found.shape[-1] == 3 or (found[..., 3] > 0.995).all()


@pytest.mark.parametrize("name", ["rgb48le", "rgba64le", "gray16le"])
def test_sixteen_bits_are_exact(name):
    channels = {"rgb48le": 3, "rgba64le": 4, "gray16le": 1}[name]
    values = np.random.default_rng(1).integers(0, 2**16, (9, 14, channels), np.uint16)
    array = values[..., 0] if channels == 1 else values
    found = rgb_of(av.VideoFrame.from_ndarray(array, name)).double().numpy() * 65535
    assert np.array_equal(found.round()[..., :channels], values)


@given(st.integers(1, 300), st.integers(1, 12), st.sampled_from(["yuv420p", "yuv410p", "yuv422p"]))
def test_bands_of_rows_leave_no_seams(height, width, name):
    """A plane of chroma whose rows grow evenly makes colours that do."""
    frame = av.VideoFrame(width, height, name)
    for index, plane in enumerate(frame.planes):
        rows = frame.format.components[index].height
        values = np.arange(rows)[:, None] % 97 + 100 if index == 2 else np.full((rows, 1), 128)
        plane.update(np.broadcast_to(values, (rows, plane.line_size)).astype(np.uint8).tobytes())
    red = rgb_of(frame)[..., 0].numpy()
    samples = np.arange(frame.format.components[2].height) % 97 + 100
    low = -(-height // len(samples))
    at = (np.arange(height) + 0.5) / low - 0.5
    cr = np.interp(at, np.arange(len(samples)), samples)
    expected = np.clip((128 - 16) / 219 + 1.402 * (cr - 128) / 224, 0, 1)
    assert np.abs(red - expected[:, None]).max() < 1e-5
