"""The temporal decoder over a whole clip at any memory budget, with the pixels of the whole decode.

A decoder block mixes space within a frame, then time within a pixel. So each stage of the network
runs over frames, and then over bands of pixels with all of their frames; in between the clip
waits wherever there is room (parking.py). What couples everything are the group norms over the
clip: their moments are gathered while the values go by (clip_norm.py).

How the clip is cut depends on its shape alone, never on the memory: every budget gives the same
bits. Only a frame that does not fit by itself is cut into rows (row_tiles.py), which rounds
differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import TypeVar

import torch
from torch import Tensor, nn

from .clip_norm import Moments, clip_norm, moments, norm_silu
from .decode_memory import space_bytes
from .decode_pieces import Pieces
from .decode_stages import Stage, decoder_stages, frame_parts, run_whole, shape_after
from .parking import WIDE, ParkedClip, Shape, band_bounds
from .row_tiles import frame_moments, run_in_rows

T = TypeVar("T")


def decode_exact(decoder: nn.Module, latents: Tensor, pieces: Pieces) -> Iterator[Tensor]:
    """Finished frames (n, 3, H, W) in order, as the decoder gives them, on the decoder's device.

    `latents` (T, 4, h, w) in the decoder's dtype. Raises NotEnoughMemoryError, and whatever
    `pieces.between_pieces` raises; nothing is held any more then.
    """
    parking = pieces.parking
    clip = pieces.do(lambda: parking.park(tuple(latents.shape), latents.dtype))
    pieces.do(lambda: clip.put_frames(slice(0, len(latents)), latents.to(parking.device)))
    for stage in decoder_stages(decoder):
        clip, seen = through_space(stage, clip, pieces)
        through_time(stage, clip, seen, pieces)
    for start in range(len(latents)):
        yield pieces.do(lambda start=start: clip.frames(slice(start, start + 1))())


def count_pieces(stages: list[Stage], shape: Shape) -> int:
    """How often `pieces.between_pieces` is called for latents of `shape`, if nothing is cut."""
    count = 2 + shape[0]
    for stage in stages:
        after = shape_after(stage, shape)
        count += len(frame_parts(stage, shape)) + (after != shape)
        bands = len(band_bounds(after))
        count += bands if stage.exits else 2 * (1 + bands)
        shape = after
    return count


def through_space(
    stage: Stage, source: ParkedClip, pieces: Pieces
) -> tuple[ParkedClip, list[Moments]]:
    """The stage's steps over all frames; also the moments for the norm that comes next."""
    shape = shape_after(stage, source.shape)
    same = shape == source.shape
    target = source if same else pieces.do(lambda: pieces.parking.park(shape, source.dtype))
    parts = frame_parts(stage, source.shape)
    groups = 1 if stage.exits else stage.time.time_stack.in_layers[0].num_groups
    need = space_bytes(stage, source.shape, source.dtype.itemsize, away=True)

    def in_rows(part: slice) -> list[Moments]:
        times = range(part.start, part.stop)
        frames = [run_in_rows(stage, source, t, pieces) for t in times]
        found = [m for frame in frames for m in frame_moments(frame, groups, pieces)]
        for t, frame in zip(times, frames, strict=True):
            target.write_frame(t, frame)
        return found

    def attempt(index: int) -> list[Moments]:
        part = parts[index]
        if pieces.cuts(need):
            return in_rows(part)
        frames = run_whole(stage.steps, [pieces.take(source.frames, parts, index)])
        found = moments(frames, groups)
        target.put_frames(part, frames)
        return [found]

    seen = [pieces.do(lambda i=i: attempt(i), need) for i in range(len(parts))]
    pieces.parking.settle()
    return target, [found for one in seen for found in one]


def through_time(stage: Stage, clip: ParkedClip, seen: list[Moments], pieces: Pieces) -> None:
    """The stage's layer that sees all frames, in place; twice over the clip, as it has two norms.

    `seen`: the moments of the clip as it is.
    """
    if stage.exits:
        last = stage.time.time_mix_conv
        over_bands(clip, pieces, lambda x, _: _swap(x).copy_(_conv(last, _swap(x))), keep=True)
        return
    (norm, _, conv), (second_norm, *_, second_conv) = (
        stage.time.time_stack.in_layers,
        stage.time.time_stack.out_layers,
    )
    first = pieces.do(lambda: clip_norm(norm, seen))

    def halfway(x: Tensor) -> Tensor:
        h = torch.empty_like(_swap(x), memory_format=torch.contiguous_format)
        return _conv(conv, norm_silu(_swap(x), first, out=h))

    def look(x: Tensor, index: int) -> Moments:
        h = halfway(x)
        pieces.keep(index, h)
        return moments(h[None], second_norm.num_groups)

    halfway_seen = over_bands(clip, pieces, look, keep=False)
    second = pieces.do(lambda: clip_norm(second_norm, halfway_seen))

    def finish(x: Tensor, index: int) -> None:
        h = pieces.kept(index)
        h = halfway(x) if h is None else h
        h = _conv(second_conv, norm_silu(h, second, out=h))
        # alpha * (x + h) + (1 - alpha) * x
        x.addcmul_(_swap(h), stage.time.get_alpha(1).to(x))

    over_bands(clip, pieces, finish, keep=True)


def over_bands(
    clip: ParkedClip, pieces: Pieces, function: Callable[[Tensor, int], T], keep: bool
) -> list[T]:
    """What `function` gives for every band (T, C, n) by its index; `keep` what it changes."""
    indices = range(len(clip.bands))

    def attempt(index: int) -> T:
        values = pieces.take(clip.band, indices, index)
        result = function(values, index)
        if keep:
            clip.put_band(index, values)
        return result

    results = [pieces.do(lambda i=i: attempt(i)) for i in indices]
    pieces.parking.settle()
    return results


def _swap(x: Tensor) -> Tensor:
    """Bands wait as (T, C, n), convolutions over time want (C, T, n)."""
    return x.movedim(0, 1)


def _conv(conv: nn.Module, x: Tensor) -> Tensor:
    """A convolution over time of (C, T, n); pixels as a rectangle are faster than as a line."""
    wide = gcd(x.shape[-1], WIDE)
    return conv(x.unflatten(-1, (-1, wide))[None])[0].flatten(2)
