"""What a pass of the video UNet computes, block by block, in multiply-adds.

Counts are a frame's, of matrix products and convolutions; norms and activations are left out. A
test holds them against what PyTorch counts while core's network runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .step_cache import StepCache

FEED_FORWARD = 12  # GEGLU to eight times the channels, and back from four times
LATENT_CHANNELS, PICTURE_CHANNELS = 4, 4
SUBSAMPLING = 4  # of the outer blocks' output, each way, where its change is measured


class UNetSizes(Protocol):
    """What the counts want to know of a network; `models.architecture` has all of it."""

    model_channels: int
    channel_mult: tuple[int, ...]
    num_res_blocks: tuple[int, ...]
    transformer_depth: tuple[int, ...]
    transformer_depth_output: tuple[int, ...]
    context_dim: int
    adm_in_channels: int


@dataclass(frozen=True)
class Film:
    """Latents of one conditioning, (num_frames, 4, height, width)."""

    num_frames: int
    height: int
    width: int


@dataclass(frozen=True)
class Block:
    """An entry of core's `input_blocks` or `output_blocks`, or the middle one.

    `macs`: multiply-adds a frame. It gives `channels` on `size` latent pixels.
    """

    macs: int
    channels: int
    size: int


@dataclass(frozen=True)
class UNetCost:
    """Blocks in core's order; `ends` is what is around them: embeddings and the last layer."""

    encoder: tuple[Block, ...]
    middle: Block
    decoder: tuple[Block, ...]
    ends: int

    @property
    def whole(self) -> int:
        """Multiply-adds a frame of a whole evaluation."""
        inner = sum(block.macs for block in (*self.encoder, self.middle, *self.decoder))
        return self.ends + inner

    def share_of_reused(self, blocks: int) -> float:
        """What an evaluation with `blocks` outer blocks costs of a whole one, in (0, 1]."""
        outer = (*self.encoder[:blocks], *self.decoder[-blocks:])
        return (self.ends + sum(block.macs for block in outer)) / self.whole

    def share_of_measuring(self, blocks: int) -> float:
        """What the outer blocks of the encoder cost of a whole evaluation."""
        return sum(block.macs for block in self.encoder[:blocks]) / self.whole

    def deep(self, blocks: int) -> Block:
        """The block whose output the outer blocks of the decoder begin with."""
        return [self.middle, *self.decoder][-1 - blocks]


def bytes_held(
    unet: UNetSizes, film: Film, policy: StepCache, element_size: int, conds: int
) -> int:
    """Bytes that a cache holds between evaluations of `conds` conditionings in turn."""
    if not policy.reuses:
        return 0
    cost = unet_cost(unet, film)
    deep = cost.deep(policy.blocks)
    elements = deep.channels * deep.size
    if policy.measures:
        outer = cost.encoder[policy.blocks - 1]
        elements += outer.channels * outer.size // SUBSAMPLING**2
    return elements * film.num_frames * element_size * conds


def unet_cost(unet: UNetSizes, film: Film) -> UNetCost:
    """The counts for one conditioning of `film`."""
    counts = _Counts(unet, film)
    encoder = tuple(counts.encoder())
    bottom, size = encoder[-1].channels, encoder[-1].size
    middle = 2 * counts.res_block(bottom, bottom, size) + counts.transformer(bottom, size)
    decoder = tuple(counts.decoder(encoder))
    return UNetCost(encoder, Block(middle, bottom, size), decoder, counts.ends())


class _Counts:
    def __init__(self, unet: UNetSizes, film: Film) -> None:
        self.unet, self.frames = unet, film.num_frames
        self.embedding = 4 * unet.model_channels
        levels = range(len(unet.channel_mult))
        self.sizes = [-(-film.height // 2**i) * -(-film.width // 2**i) for i in levels]
        self.widths = [unet.model_channels * mult for mult in unet.channel_mult]

    def ends(self) -> int:
        channels, wide = self.unet.model_channels, self.embedding
        embeddings = channels * wide + 2 * wide * wide + self.unet.adm_in_channels * wide
        return embeddings + 9 * channels * LATENT_CHANNELS * self.sizes[0]

    def encoder(self) -> Iterator[Block]:
        channels, size = self.unet.model_channels, self.sizes[0]
        yield Block(9 * (LATENT_CHANNELS + PICTURE_CHANNELS) * channels * size, channels, size)
        depths = iter(self.unet.transformer_depth)
        for level, (size, width) in enumerate(zip(self.sizes, self.widths, strict=True)):
            for _ in range(self.unet.num_res_blocks[level]):
                macs = self.res_block(channels, width, size)
                channels = width
                yield Block(macs + next(depths) * self.transformer(width, size), width, size)
            if level + 1 < len(self.sizes):
                below = self.sizes[level + 1]
                yield Block(9 * channels**2 * below, channels, below)

    def decoder(self, encoder: tuple[Block, ...]) -> Iterator[Block]:
        channels, skips = encoder[-1].channels, [block.channels for block in encoder]
        depths = iter(reversed(self.unet.transformer_depth_output))
        for level in reversed(range(len(self.sizes))):
            size, width = self.sizes[level], self.widths[level]
            for number in range(self.unet.num_res_blocks[level] + 1):
                macs = self.res_block(channels + skips.pop(), width, size)
                macs += next(depths) * self.transformer(width, size)
                channels = width
                if level and number == self.unet.num_res_blocks[level]:
                    size = self.sizes[level - 1]
                    macs += 9 * width**2 * size
                yield Block(macs, width, size)

    def res_block(self, channels: int, out: int, size: int) -> int:
        """Two convolutions in space and two in time, with what the embedding adds to each pair."""
        skip = channels * out if channels != out else 0
        return (9 * (channels + out) * out + 6 * out**2 + skip) * size + 2 * self.embedding * out

    def transformer(self, channels: int, size: int) -> int:
        """A transformer over pixels and one over frames, each with cross-attention to a token.

        Core makes the projections in and out once for any depth; SVD's depth is 1.
        """
        c, t = channels, self.frames
        projections = 2 + 2 * (4 + 2) + 3 * FEED_FORWARD
        attention = 2 * c * (size + 1) + 2 * c * (t + 1)
        context = 2 * c * self.unet.context_dim * (1 + size / t)
        position = 8 * c**2
        return round((projections * c**2 + attention) * size + context + position)
