"""RIFE's flow network: blocks that look at two frames more and more closely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from .architecture import FLOW, MASK, Head, Layer, RifeArchitecture, named, not_rife, recognise
from .bands import bands, larger, padded, smaller, warped

DEPTH = 8


def load_rife(weights: Mapping[str, Tensor]) -> IFNet:
    """The network with these weights, as `read_network` gives them, ready to be called.

    Raises WeightFileError for weights that are no RIFE 4.0 to 4.26.
    """
    weights = {name: tensor.float() for name, tensor in named(weights).items()}
    architecture = recognise(weights)
    with torch.device("meta"):
        network = IFNet(architecture)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if expected != {name: tensor.shape for name, tensor in weights.items()}:
        raise not_rife(weights)
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


class IFNet(nn.Module):
    """The frame at a time between two frames, RIFE 4.0 to 4.26.

    Computes what the published networks do, but never has all of a block's input at full size:
    every part is warped and made smaller in bands of rows. RIFE 4.0's second look at very fast
    motion is left out.
    """

    def __init__(self, architecture: RifeArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.blocks = nn.ModuleList(
            Block(architecture, architecture.inputs(number), width)
            for number, width in enumerate(architecture.widths)
        )
        if architecture.head:
            self.encode = _encoder(architecture.head)

    def features(self, frame: Tensor, scale: float = 1.0) -> Tensor | None:
        """What the encoder sees in `frame` (1, 3, H, W), of its padded size; None without one."""
        if self.architecture.head is None:
            return None
        height, width = self.padded_size(frame, scale)
        whole = padded(frame, 0, height, width).to(self._dtype)
        return self.encode(whole).float()

    def forward(
        self,
        first: Tensor,
        second: Tensor,
        t: float,
        scale: float = 1.0,
        features: tuple[Tensor | None, Tensor | None] | None = None,
    ) -> Tensor:
        """The frame at `t` in 0..1 between `first` and `second`, all (1, 3, H, W) float32 in 0..1.

        `scale` is the size at which motion is looked for: 1, or 0.5 or 0.25 for large frames.
        `features` are those of the two frames at that scale, where they are known already.
        """
        if features is None:
            features = self.features(first, scale), self.features(second, scale)
        size = self.padded_size(first, scale)
        pair = Pair(first, second, *features, size, t)
        motion = None
        for block, step in zip(self.blocks, self.architecture.scales, strict=True):
            by = round(step / scale)
            # Not in one line with the rest: the input is the largest thing, and is free after this.
            seen = block.conv0(self._look(pair, motion, by, block.inputs))
            motion = self._add(motion, block(seen), by, size)
            del seen
        return pair.merge(motion)

    def padded_size(self, frame: Tensor, scale: float) -> tuple[int, int]:
        multiple = round(self.architecture.multiple / scale)
        height, width = (-(-side // multiple) * multiple for side in frame.shape[-2:])
        return height, width

    @property
    def _dtype(self) -> torch.dtype:
        return self.blocks[0].conv0[0][0].weight.dtype

    def _look(self, pair: Pair, motion: Motion | None, by: int, channels: int) -> Tensor:
        """A block's input at 1 / `by` of the frames' size."""
        height, width = pair.size
        shape = 1, channels, height // by, width // by
        look = torch.empty(shape, dtype=self._dtype, device=pair.first.device)
        for top, bottom in bands(height, width, max(by, motion.by if motion else by)):
            rows, done = slice(top // by, bottom // by), 0
            for part in pair.parts(motion, top, bottom, by):
                look[:, done : done + part.shape[1], rows] = smaller(part, by)
                done += part.shape[1]
        return look

    def _add(self, motion: Motion | None, found: Tensor, by: int, size: tuple[int, int]) -> Motion:
        """What is known of the motion with what one more block found."""
        if self.architecture.half_size:
            by *= 2
        summed = FLOW + MASK * self.architecture.adds_masks
        found = found.float()
        found[:, :FLOW] *= by
        latest = found[:, summed : FLOW + MASK + self.architecture.passed_on]
        total = found.new_zeros((1, summed, *size)) if motion is None else motion.total
        for top, bottom in bands(*size, by):
            total[:, :, top:bottom] += larger(found[:, :summed], by, top, bottom)
        # A copy, as a view would keep all of `found`.
        return Motion(total, latest.clone(), by)


class Block(nn.Module):
    """A stack of convolutions at a quarter of its input's size; `conv0` is called before it."""

    def __init__(self, architecture: RifeArchitecture, inputs: int, width: int) -> None:
        super().__init__()
        layer, outputs = architecture.layer, architecture.outputs
        self.inputs = inputs
        self.past = layer is Layer.PRELU
        self.conv0 = nn.Sequential(
            _convolution(inputs, width // 2, layer, stride=2),
            _convolution(width // 2, width, layer, stride=2),
        )
        if layer is Layer.RESIDUAL:
            layers = [ScaledResidual(width, architecture.groups) for _ in range(DEPTH)]
            last = nn.ConvTranspose2d(width, 4 * outputs, 4, 2, 1)
            self.lastconv = nn.Sequential(last, nn.PixelShuffle(2))
        else:
            layers = [_convolution(width, width, layer) for _ in range(DEPTH)]
            self.lastconv = nn.ConvTranspose2d(width, outputs, 4, 2, 1)
        self.convblock = nn.Sequential(*layers)

    def forward(self, seen: Tensor) -> Tensor:
        understood = self.convblock(seen)
        return self.lastconv(understood + seen if self.past else understood)


class ScaledResidual(nn.Module):
    """A convolution whose result is scaled by `beta` and added to what went in."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=groups)
        self.beta = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.leaky_relu_(torch.addcmul(x, self.conv(x), self.beta), 0.2)


@dataclass(frozen=True, eq=False)
class Motion:
    """What is known so far.

    `total` (1, 4 or 5, H, W): in pixels, where to look in the first frame and in the second, and
    the mask where blocks add it up. `latest`: what the last block said alone, at 1 / `by`.
    """

    total: Tensor
    latest: Tensor
    by: int

    def flow(self, top: int, bottom: int) -> Tensor:
        return self.total[:, :FLOW, top:bottom]

    def rest(self, top: int, bottom: int) -> Tensor:
        """The mask and what the last block passed on."""
        if self.total.shape[1] > FLOW:
            return self.total[:, FLOW:, top:bottom]
        return larger(self.latest, self.by, top, bottom)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two frames and their features, and the time between them; `size` is the padded one."""

    first: Tensor
    second: Tensor
    first_features: Tensor | None
    second_features: Tensor | None
    size: tuple[int, int]
    t: float

    def parts(self, motion: Motion | None, top: int, bottom: int, by: int) -> Iterator[Tensor]:
        """What a block sees of these rows, part by part."""
        width = self.size[1]
        flow = None if motion is None else motion.flow(top, bottom)
        pictures = (self.first, self.second, self.first_features, self.second_features)
        for number, picture in enumerate(pictures):
            if picture is None:
                continue
            if flow is None:
                yield padded(picture, top, bottom, width)
            else:
                side = 2 * (number % 2)
                yield warped(picture, flow[:, side : side + 2], top)
        yield self.first.new_full((1, 1, bottom - top, width), self.t)
        if motion is not None:
            yield motion.rest(top, bottom)
            yield flow / by

    def merge(self, motion: Motion) -> Tensor:
        """The frame: both frames warped, each where the mask trusts it."""
        height, width = self.first.shape[-2:]
        merged = torch.empty_like(self.first)
        for top, bottom in bands(*self.size, motion.by):
            if top < height:
                flow = motion.flow(top, bottom)[:, :, : height - top, :width]
                mask = motion.rest(top, bottom)[:, :MASK, : height - top, :width].sigmoid()
                sides = (
                    warped(self.second, flow[:, 2:], top),
                    warped(self.first, flow[:, :2], top),
                )
                torch.lerp(*sides, mask, out=merged[:, :, top:bottom])
        return merged


def _convolution(inputs: int, outputs: int, layer: Layer, stride: int = 1) -> nn.Sequential:
    active = nn.PReLU(outputs) if layer is Layer.PRELU else nn.LeakyReLU(0.2, inplace=True)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), active)


def _encoder(head: Head) -> nn.Sequential:
    widths = [3, *[head.width] * (head.depth - 1)]
    layers: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        layers.append(nn.Conv2d(inputs, outputs, 3, 2 if number == 0 else 1, padding=1))
        if head.depth > 2:
            layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers, nn.ConvTranspose2d(head.width, head.channels, 4, 2, 1))
