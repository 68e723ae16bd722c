"""SVD's video layers in pieces: the same numbers out, with a fraction of the activations.

Attention and convolution in space know one frame at a time, so they run over frames. Attention in
time knows one pixel at a time, so it runs over pixels. The residual block in time is pointwise but
for its group norms, which see the whole film and one group of channels: they run over channels,
its convolutions over rows. Nothing is approximated and no arithmetic is replaced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

FEED_FORWARD_WIDTH = 8  # GEGLU projects every token to eight times its channels
# A frame has one token of context, and kernels for a matrix of one row round differently: one that
# is left over goes through twice.
FEWEST_FRAMES = 2

WeightsOf = Callable[[nn.Module, Tensor], tuple[Tensor, Tensor]]
Pieces = Callable[[Tensor, "Chunking"], Iterator]


@dataclass(frozen=True)
class Chunking:
    """`elements`: how many the widest temporary of a layer may have, if one frame has no more.

    `weights_of(layer, x)` gives weight and bias of a layer on the device and in the dtype of x.
    """

    elements: int
    weights_of: WeightsOf

    def ranges(self, total: int, elements_each: int, at_least: int = 1) -> Iterator[slice]:
        """Slices of nearly equal length that cover `total` things of `elements_each`."""
        count = chunk_count(total, elements_each, self.elements, at_least)
        for i in range(count):
            yield slice(i * total // count, (i + 1) * total // count)


def chunk_count(total: int, elements_each: int, elements: int, at_least: int = 1) -> int:
    """How many chunks `total` things make, of `elements` at most or of `at_least` things."""
    most = max(at_least, elements // max(1, elements_each))
    return -(-total // most)


def video_res_block(
    block: nn.Module,
    x: Tensor,
    emb: Tensor,
    num_video_frames: int,
    image_only_indicator: Tensor | None,
    chunking: Chunking,
) -> Tensor:
    """Core's `VideoResBlock` on x (b*T, C, H, W), emb (b*T, E): returns (b*T, C', H, W)."""
    in_space = _res_block_of_film if _channels_last(x) else _res_block_of_frames
    out = in_space(block, x, emb, chunking)
    emb = rearrange(emb, "(b t) c -> b t c", t=num_video_frames)
    film = rearrange(out, "(b t) c h w -> b c t h w", t=num_video_frames)
    _res_block_in_time(block, film, emb, image_only_indicator, chunking)
    return out


def _res_block_of_frames(block: nn.Module, x: Tensor, emb: Tensor, chunking: Chunking) -> Tensor:
    """The block's part in space on x (n, C, H, W), some frames after the others."""
    in_space = super(type(block), block).forward
    widest = max(x.shape[1], block.out_channels) * x.shape[-2] * x.shape[-1]
    out = None
    for frames in chunking.ranges(len(x), widest):
        piece = in_space(x[frames], emb[frames])
        if out is None:
            out = _empty((len(x), *piece.shape[1:]), piece)
        out[frames] = piece
        del piece
    return out


def _res_block_of_film(block: nn.Module, x: Tensor, emb: Tensor, chunking: Chunking) -> Tensor:
    """The same for channels-last x, whose group norm on the CPU rounds as the batch is long.

    So the norms see every frame, and a few groups of channels at a time.
    """
    h, convolution = _before_last_convolution(
        block, x, block.emb_layers(emb)[..., None, None], _frames, chunking
    )
    out = None
    for frames in _frames(h, chunking):
        piece = block.skip_connection(x[frames]) + convolution(h[frames])
        if out is None:
            out = h if _channels_last(piece) else _empty(h.shape, piece)
        out[frames] = piece
    return out


def _res_block_in_time(
    block: nn.Module,
    film: Tensor,
    emb: Tensor,
    image_only_indicator: Tensor | None,
    chunking: Chunking,
) -> None:
    """Replace film (b, C, T, H, W) by its blend with what the block's `time_stack` makes of it."""
    layers = block.time_stack
    shift = layers.emb_layers(emb).movedim(1, 2)[..., None, None]
    h, convolution = _before_last_convolution(layers, film, shift, _rows, chunking)
    for rows in _rows(h, chunking):
        mixed = layers.skip_connection(film[rows]) + convolution(h[rows])
        film[rows] = block.time_mixer(
            x_spatial=film[rows], x_temporal=mixed, image_only_indicator=image_only_indicator
        )


def _before_last_convolution(
    block: nn.Module, x: Tensor, shift: Tensor, pieces: Pieces, chunking: Chunking
) -> tuple[Tensor, nn.Module]:
    """A residual block up to its last convolution, and that; `shift` is its timestep embedding."""
    norm, *activation, convolution = block.in_layers
    h = _normalised(norm, activation, x, chunking)
    h = _convolved(convolution, h, shift.to(h.dtype), pieces, chunking)
    norm, *activation, convolution = block.out_layers
    return _normalised(norm, activation, h, chunking, out=h), convolution


def _convolved(
    convolution: nn.Module, h: Tensor, shift: Tensor, pieces: Pieces, chunking: Chunking
) -> Tensor:
    """convolution(h) + shift, in the memory of h where width and layout allow."""
    shift = shift.expand(-1, -1, *h.shape[2:])
    out = None
    for where in pieces(h, chunking):
        piece = convolution(h[where]) + shift[where]
        if out is None:
            same = piece.shape[1] == h.shape[1] and _channels_last(piece) == _channels_last(h)
            out = h if same else _empty((len(h), piece.shape[1], *h.shape[2:]), piece)
        out[where] = piece
    return out


def _normalised(
    norm: nn.GroupNorm,
    activation: list[nn.Module],
    x: Tensor,
    chunking: Chunking,
    out: Tensor | None = None,
) -> Tensor:
    """Group norm and activation of x (b, C, T, H, W), a few groups of channels at a time."""
    weight, bias = chunking.weights_of(norm, x)
    group = x.shape[1] // norm.num_groups
    for groups in chunking.ranges(norm.num_groups, x.numel() // norm.num_groups):
        channels = slice(groups.start * group, groups.stop * group)
        count = groups.stop - groups.start
        piece = F.group_norm(x[:, channels], count, weight[channels], bias[channels], norm.eps)
        for layer in activation:
            piece = layer(piece)
        if out is None:
            out = _empty(x.shape, piece)
        out[:, channels] = piece
    return out


def _channels_last(x: Tensor) -> bool:
    layout = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
    return x.is_contiguous(memory_format=layout) and not x.is_contiguous()


def _empty(shape: Sequence[int], piece: Tensor) -> Tensor:
    """Room for the whole of which `piece` is a part, laid out in memory as the piece is.

    Kernels round differently for different layouts, so the whole keeps the one that core's would
    have.
    """
    last = torch.channels_last if piece.ndim == 4 else torch.channels_last_3d
    layout = last if _channels_last(piece) else torch.contiguous_format
    return torch.empty(shape, dtype=piece.dtype, device=piece.device, memory_format=layout)


def _frames(h: Tensor, chunking: Chunking) -> Iterator[slice]:
    return chunking.ranges(len(h), h[0].numel())


def _rows(h: Tensor, chunking: Chunking) -> Iterator[tuple]:
    for rows in chunking.ranges(h.shape[-2], h.numel() // h.shape[-2]):
        yield (..., rows, slice(None))


def video_transformer(
    transformer: nn.Module,
    x: Tensor,
    context: Tensor,
    time_context: Tensor | None,
    timesteps: int,
    image_only_indicator: Tensor | None,
    transformer_options: dict,
    chunking: Chunking,
) -> Tensor:
    """Core's `SpatialVideoTransformer` on x (b*T, C, H, W), context (b*T, n, 1024)."""
    height, width = x.shape[-2:]
    transformer_options["activations_shape"] = list(x.shape)
    per_frame = FEED_FORWARD_WIDTH * x[0].numel()
    by_frames = list(chunking.ranges(len(x), per_frame, FEWEST_FRAMES))
    tokens = x.new_empty(len(x), height * width, transformer.proj_in.out_features)
    film = rearrange(tokens, "n (h w) c -> n c h w", h=height)
    if _channels_last(x):
        _normalised(transformer.norm, [], x, chunking, out=film)
    for frames in by_frames:
        normed = film[frames] if _channels_last(x) else transformer.norm(x[frames])
        tokens[frames] = transformer.proj_in(rearrange(normed, "n c h w -> n (h w) c"))
    position = _frame_positions(transformer, len(x), timesteps, x)
    time_context = (context if time_context is None else time_context)[::timesteps]
    for index, blocks in enumerate(
        zip(transformer.transformer_blocks, transformer.time_stack, strict=True)
    ):
        transformer_options["block_index"] = index
        in_space, in_time = blocks
        for frames in by_frames:
            tokens[frames] = _attend_in_space(
                in_space, tokens[frames], context[frames], transformer_options
            )
        per_pixel = per_frame * len(x) // tokens.shape[1]
        for pixels in chunking.ranges(tokens.shape[1], per_pixel):
            piece = tokens[:, pixels]
            mixed = _attend_in_time(
                in_time, piece + position, time_context, timesteps, transformer_options
            )
            tokens[:, pixels] = transformer.time_mixer(
                x_spatial=piece, x_temporal=mixed, image_only_indicator=image_only_indicator
            )
    # The tokens' memory becomes the result, channels last as core's own sum would be.
    for frames in by_frames:
        piece = rearrange(transformer.proj_out(tokens[frames]), "n (h w) c -> n c h w", h=height)
        film[frames] = piece + x[frames]
    return film


def _frame_positions(transformer: nn.Module, num_frames: int, timesteps: int, x: Tensor) -> Tensor:
    """The learned embedding of every frame's number, (b*T, 1, C)."""
    half = transformer.in_channels // 2
    number = torch.arange(timesteps, device=x.device).repeat(num_frames // timesteps)
    octave = torch.arange(half, dtype=torch.float32, device=x.device)
    period = math.log(transformer.max_time_embed_period)
    angle = number[:, None].float() * torch.exp(-period * octave / half)
    waves = torch.cat([angle.cos(), angle.sin()], dim=-1).to(x.dtype)
    return transformer.time_pos_embed(waves)[:, None]


def _attend_in_space(block: nn.Module, tokens: Tensor, context: Tensor, options: dict) -> Tensor:
    """tokens (n, S, C) through `block`, which attends within every frame; never one frame alone."""
    alone = len(tokens) == 1
    if alone:
        tokens, context = tokens.repeat(2, 1, 1), context.repeat(2, 1, 1)
    tokens = block(tokens, context=context, transformer_options=options)
    return tokens[:1] if alone else tokens


def _attend_in_time(
    block: nn.Module, tokens: Tensor, context: Tensor, timesteps: int, options: dict
) -> Tensor:
    """tokens (b*T, S, C) through `block`, which attends over the T frames of every pixel."""
    size = tokens.shape[1]
    tokens = rearrange(tokens, "(b t) s c -> (b s) t c", t=timesteps)
    context = repeat(context, "b ... -> (b s) ...", s=size)
    tokens = block(tokens, context=context, transformer_options=options)
    return rearrange(tokens, "(b s) t c -> (b t) s c", s=size)
