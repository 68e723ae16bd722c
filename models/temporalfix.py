"""The network of vs_temporalfix 2.4.1 (pifroggi): seven frames in, the middle one steadied out.

Each of the six neighbours is aligned to the middle frame by a flow that three stages refine from
coarse to fine, as RIFE does (Huang et al. 2022), and averaged in where a confidence allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..video.stabilise.tiles import Tiling
from .weight_files import WeightFileError

RADIUS = 3
# Frames beside the middle one, and the time the network is told of them.
TIMES = tuple((RADIUS + step, step / RADIUS) for step in (-3, -2, -1, 1, 2, 3))
SCALES = (8, 4, 2)  # of the three stages; the last one's is the confidence's too
PIXEL_BYTES = 256  # of activations, with the seven frames themselves among them
# A tile takes a GiB. With 256 pixels around it, what is kept differs by up to 0.06 of an 8-bit code
# from the whole frame's (with 128 by up to 2.8), on Big Buck Bunny with flicker added. Stages work
# at 1/8 and at a quarter of that: at multiples of 32 no size is rounded.
TILING = Tiling(pixels=2**30 // PIXEL_BYTES, margin=256, multiple=32)
WIDTHS = (96, 64, 48)
DEPTH = 4
LATENT = 8  # channels that a stage hands on to the next one
CONFIDENT, GATE_SLOPE = 0.6, 12.0
LEAST_SUPPORT, COUNT_SLOPE = 0.5, 4.0
LOW_PASS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


class TemporalFix(nn.Module):
    """Seven frames (B, 3, H, W) in 0..1, one after the other in a sequence.

    Gives the middle one (B, 3, H, W), an average of all where they agree. Neighbours are taken one
    by one, which changes nothing and needs a fraction of the memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encode = _Encoder()
        self.aligner = _Aligner()
        self.conf_head = _Confidence()

    def forward(self, frames: Sequence[Tensor]) -> Tensor:
        middle = frames[RADIUS]
        seen = self._pyramid(middle)
        weighted, weights, support = torch.zeros_like(middle), 0.0, 0.0
        for index, time in TIMES:
            aligned, confidence = self._aligned(seen, frames[index], time)
            gate = torch.sigmoid((confidence - CONFIDENT) * GATE_SLOPE)
            weight = confidence * gate
            weighted += weight * aligned
            weights = weights + weight
            support = support + gate
            del aligned, confidence, gate, weight  # before the next neighbour needs the room
        blended = (middle + weighted) / (1 + weights)
        ready = torch.sigmoid((support - LEAST_SUPPORT) * COUNT_SLOPE)
        return middle + ready * (blended - middle)

    def _pyramid(self, frame: Tensor) -> list[Tensor]:
        """The frame's colours and features (B, 7, h, w) at the size of every stage."""
        size = frame.shape[-2:]
        features = F.interpolate(self.encode(frame), size, mode="bilinear", align_corners=False)
        return [
            torch.cat([_resized(part, _shrunk(size, scale)) for part in (frame, features)], dim=1)
            for scale in SCALES
        ]

    def _aligned(self, middle: list[Tensor], frame: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """A neighbour as the middle frame would show it, and where that can be believed."""
        neighbour = self._pyramid(frame)
        flow, logit = self.aligner(middle, neighbour, time)
        size, small = frame.shape[-2:], flow.shape[-2:]
        flow, logit = _resized_flow(flow, size), _resized(logit, size)
        aligned = _warped(frame, flow)
        inside = _warped(torch.ones_like(frame[:, :1]), flow)
        flow = _resized_flow(flow, small)
        features = _warped(neighbour[-1][:, 3:], flow)
        there = torch.cat([_resized(aligned, small), features], dim=1)
        logit = _resized(logit, small) + self.conf_head(middle[-1], there, flow, time)
        return aligned, torch.sigmoid(_resized(logit, size)) * inside


class _Encoder(nn.Module):
    """Four features for every second pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 16, 3, 2, 1)
        self.cnn1 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn2 = nn.Conv2d(16, 16, 3, 1, 1)
        self.proj = nn.Conv2d(16, 4, 3, 1, 1)

    def forward(self, frame: Tensor) -> Tensor:
        for layer in (self.cnn0, self.cnn1, self.cnn2):
            frame = F.leaky_relu(layer(frame), 0.2, inplace=True)
        return self.proj(frame)


class _Aligner(nn.Module):
    """Flow from the middle frame to a neighbour, and a first guess of how far to trust it."""

    def __init__(self) -> None:
        super().__init__()
        first, later = 2 * 7 + 1, 2 * 7 + 1 + 1 + LATENT + 2
        self.blocks = nn.ModuleList(
            _Stage(first if i == 0 else later, width, separable=i > 0)
            for i, width in enumerate(WIDTHS)
        )

    def forward(
        self, middle: list[Tensor], neighbour: list[Tensor], time: float
    ) -> tuple[Tensor, Tensor]:
        """Flow (B, 2, h, w) in pixels of the last stage's size, and logits (B, 1, h, w)."""
        flow = logit = latent = None
        for block, here, there in zip(self.blocks, middle, neighbour, strict=True):
            more = []
            if flow is not None:
                size = here.shape[-2:]
                flow = _resized_flow(flow, size)
                there = _warped(there, flow)
                more = [_resized(logit, size), _resized(latent, size), flow]
            when = torch.full_like(here[:, :1], time)
            # The order that the weights were trained with: colours, then features.
            pair = [here[:, :3], there[:, :3], here[:, 3:], there[:, 3:]]
            change, logit, latent = block(torch.cat([*pair, when, *more], dim=1)).split(
                (2, 1, LATENT), dim=1
            )
            flow = change if flow is None else flow + change
        return flow, logit


class _Stage(nn.Module):
    """Works at a quarter of its input's size, and gives flow, confidence and latent at its size."""

    def __init__(self, channels: int, width: int, separable: bool) -> None:
        super().__init__()
        kind = _SeparableResidual if separable else _Residual
        self.conv0 = nn.Sequential(
            _convolution(channels, width // 2, stride=2), _convolution(width // 2, width, stride=2)
        )
        self.convblock = nn.Sequential(*(kind(width) for _ in range(DEPTH)))
        self.out_conv = nn.Conv2d(width, 2 + 1 + LATENT, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        x = self.out_conv(self.convblock(self.conv0(x)))
        return F.interpolate(x, size, mode="bilinear", align_corners=False)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x) * self.beta + x, 0.2)


class _SeparableResidual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dw = nn.Conv2d(width, width, 3, 1, 1, groups=width)
        self.pw = nn.Conv2d(width, width, 1)
        self.beta = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.pw(self.dw(x)) * self.beta + x, 0.2)


class _Confidence(nn.Module):
    """What to add to the logits, from both pictures, their difference and the flow."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            _convolution(3 * 7 + 2 + 1 + 1, width),
            _convolution(width, width),
            nn.Conv2d(width, 1, 3, 1, 1),
        )

    def forward(self, here: Tensor, there: Tensor, flow: Tensor, time: float) -> Tensor:
        apart = (there - here).abs()
        length = torch.linalg.vector_norm(flow, dim=1, keepdim=True)
        pictures = [
            part[:, channels]
            for channels in (slice(3), slice(3, 7))
            for part in (here, there, apart)
        ]
        when = torch.full_like(length, time)
        return self.net(torch.cat([*pictures, flow, length, when], dim=1))


def _convolution(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, stride, 1), nn.LeakyReLU(0.2, inplace=True))


def _shrunk(size: torch.Size, scale: int) -> tuple[int, int]:
    height, width = size
    return -(-height // scale), -(-width // scale)


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, after a binomial filter where it gets smaller."""
    if x.shape[-2:] == size:
        return x
    if size[0] < x.shape[-2] or size[1] < x.shape[-1]:
        line = x.new_tensor(LOW_PASS)
        kernel = line.outer(line).expand(x.shape[1], 1, -1, -1)
        x = F.conv2d(x, kernel, padding=len(LOW_PASS) // 2, groups=x.shape[1])
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def _resized_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The same motion in pixels of another size."""
    if flow.shape[-2:] == size:
        return flow
    ratio = flow.new_tensor([size[1] / flow.shape[-1], size[0] / flow.shape[-2]])
    return _resized(flow, size) * ratio.view(1, 2, 1, 1)


def _warped(x: Tensor, flow: Tensor) -> Tensor:
    """`x` looked up where `flow` (B, 2, H, W) in pixels points; 0 outside of it."""
    height, width = flow.shape[-2:]
    across = (torch.arange(width, device=flow.device) * 2 + 1) / width - 1
    down = (torch.arange(height, device=flow.device) * 2 + 1) / height - 1
    grid = torch.stack(
        [across + flow[:, 0] * (2 / width), down[:, None] + flow[:, 1] * (2 / height)], dim=-1
    )
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def is_temporalfix(state: Mapping[str, Tensor]) -> bool:
    """Whether these are the weights of this network, by their names and shapes."""
    with torch.device("meta"):
        expected = TemporalFix().state_dict()
    return {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in expected.items()
    }


def build_temporalfix(state: Mapping[str, Tensor]) -> TemporalFix:
    """The network with these weights, ready to run; raises WeightFileError for any others."""
    if not is_temporalfix(state):
        raise WeightFileError(
            f"{len(state)} weights were found that are not those of the stabiliser of "
            "vs_temporalfix 2: choose one of its files, such as temporalfix_s2_v1.pth."
        )
    network = TemporalFix()
    network.load_state_dict({key: value.float() for key, value in state.items()}, strict=True)
    return network.eval().requires_grad_(False)
