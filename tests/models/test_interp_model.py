"""Core's interpolation networks, by doubles with the calls of ComfyUI 0.20's own."""

import pytest
import torch
from svd_studio.models.interp_model import AT_ONCE, CoreInterpolator

CPU = torch.device("cpu")


class Rifelike:
    """Called as core calls its IFNet: frames padded to 64, a plane of time, features in a cache."""

    pad_align = 64

    def __init__(self):
        self.encoded = 0

    def extract_features(self, frame):
        self.encoded += 1
        return frame.mean()

    def __call__(self, img0, img1, timestep=0.5, cache=None):
        assert img0.shape == img1.shape
        assert timestep.shape == (1, 1, *img0.shape[-2:])
        assert not any(side % self.pad_align for side in img0.shape[-2:])
        assert (cache["img0"], cache["img1"]) == (img0.mean(), img1.mean())
        return torch.lerp(img0, img1, timestep)


class Filmlike:
    """Called as core calls FILM: any size, several times at once."""

    def __init__(self):
        self.times = []

    def extract_features(self, frame):
        return [frame]

    def forward_multi_timestep(self, img0, img1, timesteps, cache=None):
        assert cache["img0"][0] is img0
        assert cache["img1"][0] is img1
        self.times.append(timesteps)
        return torch.cat([torch.lerp(img0, img1, t) for t in timesteps])


@pytest.mark.parametrize("network", [Rifelike(), Filmlike()])
@pytest.mark.parametrize("size", [(5, 3), (64, 64), (70, 130)])
def test_frames_are_drawn_in_order_and_in_the_size_they_came_in(network, size):
    first, second = torch.rand(2, 1, 3, *size, generator=torch.Generator().manual_seed(0))
    interpolator = CoreInterpolator(network, CPU)
    sides = interpolator.prepare(first), interpolator.prepare(second)
    times = [0.1, 0.25, 0.5, 0.6, 0.75, 0.9]
    for t, frame in zip(times, interpolator.between(*sides, times), strict=True):
        torch.testing.assert_close(frame, torch.lerp(first, second, t))


def test_features_are_made_once_a_frame():
    network = Rifelike()
    interpolator = CoreInterpolator(network, CPU)
    sides = [interpolator.prepare(frame) for frame in torch.rand(2, 1, 3, 8, 8)]
    list(interpolator.between(*sides, [0.2, 0.4, 0.6]))
    assert network.encoded == 2


def test_many_times_do_not_pile_up():
    network = Filmlike()
    interpolator = CoreInterpolator(network, CPU)
    sides = [interpolator.prepare(frame) for frame in torch.rand(2, 1, 3, 8, 8)]
    list(interpolator.between(*sides, [t / 16 for t in range(1, 16)]))
    assert max(map(len, network.times)) == AT_ONCE


def test_a_network_in_half_precision_gives_frames_in_range():
    class Overshooting(Filmlike):
        def forward_multi_timestep(self, img0, img1, timesteps, cache=None):
            assert img0.dtype == torch.float16
            return super().forward_multi_timestep(img0, img1, timesteps, cache) * 2

    interpolator = CoreInterpolator(Overshooting(), CPU, torch.float16)
    sides = [interpolator.prepare(frame) for frame in torch.rand(2, 1, 3, 8, 8)]
    (frame,) = interpolator.between(*sides, [0.5])
    assert frame.dtype == torch.float32
    assert 0 <= frame.min() <= frame.max() <= 1
