"""The video UNet as a list of layers, each with what it holds while it works: the memory model.

Counts are of elements, in core's own code and in `chunking`'s; a test holds them against the
tensors that are really alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .chunking import FEWEST_FRAMES, chunk_count

# The feed-forward part of a transformer block: two projections to four times the channels each,
# the gate's activation, and their product.
FEED_FORWARD = 16


class UNetWidths(Protocol):
    """What the model of memory wants to know of a network; `models.architecture` has all of it."""

    model_channels: int
    channel_mult: tuple[int, ...]
    num_res_blocks: tuple[int, ...]
    transformer_depth: tuple[int, ...]
    transformer_depth_output: tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A layer on `size` latent pixels a frame, whose block's caller holds `block_input` channels.

    `skips`: elements a frame of what the encoder half keeps for the decoder half, beside that.
    """

    size: int
    skips: int
    block_input: int

    def held(self, park_skips: bool) -> int:
        """Elements a frame that are there before the layer allocates anything."""
        return self.block_input * self.size + (0 if park_skips else self.skips)

    def whole(self, frames: int) -> int:
        """Elements that core's own layer allocates at most."""
        return 0

    def chunked(self, frames: int, elements: int) -> int:
        """Elements that the layer allocates at most in chunks of `elements`."""
        return self.whole(frames)


@dataclass(frozen=True)
class ResBlock(Layer):
    out_channels: int

    def whole(self, frames: int) -> int:
        channels = self.block_input
        space = max(2 * channels, channels + self.out_channels)
        time = 5 * self.out_channels  # both sides of the blend, both weighted, and their sum
        return max(space, time) * self.size * frames

    def chunked(self, frames: int, elements: int) -> int:
        film = self.out_channels * self.size * frames
        channels = self.block_input
        each = max(channels, self.out_channels) * self.size
        some = -(-frames // chunk_count(frames, each, elements)) * self.size
        space = max(2 * channels, channels + self.out_channels, 3 * self.out_channels)
        rows = film // -(-film // elements)
        return film + max(space * some, film + 4 * rows)


@dataclass(frozen=True)
class Transformer(Layer):
    channels: int

    def whole(self, frames: int) -> int:
        return (FEED_FORWARD + 6) * self.channels * self.size * frames

    def chunked(self, frames: int, elements: int) -> int:
        frame = self.channels * self.size
        each = FEED_FORWARD // 2 * frame
        in_space = frame * -(-frames // chunk_count(frames, each, elements, FEWEST_FRAMES))
        pixel = self.channels * frames
        count = chunk_count(self.size, each * frames // self.size, elements)
        in_time = pixel * -(-self.size // count)
        working = max((FEED_FORWARD + 3) * in_space, (FEED_FORWARD + 4) * in_time)
        return 2 * frame * frames + working


@dataclass(frozen=True)
class Downsample(Layer):
    channels: int
    out_size: int

    def whole(self, frames: int) -> int:
        return self.channels * self.out_size * frames


@dataclass(frozen=True)
class Upsample(Layer):
    channels: int
    out_size: int

    def whole(self, frames: int) -> int:
        """The input, what nearest neighbours make of it, and the convolution of that."""
        return self.channels * (self.size + 2 * self.out_size) * frames


def walk(unet: UNetWidths, height: int, width: int) -> Iterator[Layer]:
    """Every layer of the network in order, on latents of height x width."""
    levels = len(unet.channel_mult)
    sizes = [-(-height // 2**level) * -(-width // 2**level) for level in range(levels)]
    channels = unet.model_channels
    skips = [(channels, sizes[0])]
    depths = iter(unet.transformer_depth)
    for level, size in enumerate(sizes):
        for _ in range(unet.num_res_blocks[level]):
            out = unet.model_channels * unet.channel_mult[level]
            yield from _block(size, skips[:-1], channels, out, next(depths))
            channels = out
            skips.append((channels, size))
        if level + 1 < levels:
            below = sizes[level + 1]
            yield Downsample(size, _elements(skips[:-1]), channels, channels, below)
            skips.append((channels, below))
    yield from _block(sizes[-1], skips[:-1], channels, channels, 1)
    depths = iter(reversed(unet.transformer_depth_output))
    for level in reversed(range(levels)):
        size = sizes[level]
        for _ in range(unet.num_res_blocks[level] + 1):
            joined = channels + skips.pop()[0]
            # The two parts are still there when the whole is made.
            yield Layer(size, _elements(skips), 2 * joined)
            channels = unet.model_channels * unet.channel_mult[level]
            yield from _block(size, skips, joined, channels, next(depths))
        if level:
            yield Upsample(size, _elements(skips), joined, channels, sizes[level - 1])


def _block(
    size: int,
    skips: list[tuple[int, int]],
    block_input: int,
    out_channels: int,
    depth: int,
) -> Iterator[Layer]:
    held = _elements(skips)
    yield ResBlock(size, held, block_input, out_channels)
    if depth:
        yield Transformer(size, held, block_input, out_channels)


def _elements(skips: list[tuple[int, int]]) -> int:
    return sum(channels * size for channels, size in skips)
