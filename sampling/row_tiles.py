"""One frame of a decoder stage in rows, for frames that do not fit on the device by themselves.

Exact but for rounding: every convolution sees the row above and the row below its rows, and every
group norm has seen the whole frame. Between two layers the frame waits beside the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from .clip_norm import ClipNorm, Moments, clip_norm, moments, norm_silu
from .decode_pieces import Pieces
from .decode_stages import Kind, Stage, Step, run_whole
from .parking import ParkedClip

ROWS = 2**22  # elements of the rows that are on the device together, at their widest


class Rows(NamedTuple):
    """Rows `start` to `stop` of a frame; with the neighbours, `first` to `last`."""

    start: int
    stop: int
    first: int
    last: int


def run_in_rows(stage: Stage, source: ParkedClip, t: int, pieces: Pieces) -> Tensor:
    """Frame `t` of `source` through the stage's steps: (C, H, W) beside the device."""
    frame = source.read_frame(t)
    for step in stage.steps:
        frame = _STEPS[step.kind](step.module, frame, pieces)
    return frame


def frame_moments(frame: Tensor, groups: int, pieces: Pieces) -> list[Moments]:
    """The moments of a frame (C, H, W) that waits beside the device, of each of its rows."""
    return [
        moments(_fetch(frame, rows._replace(first=rows.start, last=rows.stop), pieces), groups)
        for rows in _parts(frame.shape, len(frame), pieces)
    ]


def _parts(shape: tuple[int, ...], channels: int, pieces: Pieces) -> Iterator[Rows]:
    _, height, width = shape
    count = max(1, ROWS // (channels * width))
    for start in range(0, height, count):
        pieces.between_pieces()
        stop = min(start + count, height)
        yield Rows(start, stop, max(0, start - 1), min(height, stop + 1))


def _fetch(frame: Tensor, rows: Rows, pieces: Pieces) -> Tensor:
    """Rows with their neighbours (1, C, r, W) on the device."""
    shape = (1, len(frame), rows.last - rows.first, frame.shape[2])
    part = pieces.parking.on_device(shape, frame.dtype)
    part[0].copy_(frame[:, rows.first : rows.last])
    return part


def _over_rows(
    function: Callable[..., Tensor],
    frames: list[Tensor],
    channels: int,
    pieces: Pieces,
    scale: int = 1,
) -> Tensor:
    """What `function` makes of the rows of some frames: (channels, H * scale, W * scale)."""
    _, height, width = frames[0].shape
    out = pieces.parking.beside((channels, height * scale, width * scale), frames[0].dtype)
    widest = max(channels, *map(len, frames)) * scale * scale
    for rows in _parts(frames[0].shape, widest, pieces):
        made = function(*(_fetch(frame, rows, pieces) for frame in frames))[0]
        made = made[:, (rows.start - rows.first) * scale : (rows.stop - rows.first) * scale]
        out[:, rows.start * scale : rows.stop * scale].copy_(made)
    return out


def _norm(norm: nn.GroupNorm, frame: Tensor, pieces: Pieces) -> Callable[[Tensor], Tensor]:
    """silu(norm(x)) in place of rows (1, C, r, W) of this frame."""
    known: ClipNorm = clip_norm(norm, frame_moments(frame, norm.num_groups, pieces))
    return lambda rows: norm_silu(rows[0], known, out=rows[0])[None]


def _whole(module: nn.Module, frame: Tensor, pieces: Pieces, kind: Kind) -> Tensor:
    """For layers that need all of the frame; they are at an eighth of the size."""
    on_device = _fetch(frame, Rows(0, 0, 0, frame.shape[1]), pieces)
    made = run_whole((Step(kind, module),), [on_device])
    out = pieces.parking.beside(tuple(made.shape[1:]), frame.dtype)
    return out.copy_(made[0])


def _conv(conv: nn.Module, frame: Tensor, pieces: Pieces) -> Tensor:
    return _whole(conv, frame, pieces, Kind.CONV)


def _attention(attention: nn.Module, frame: Tensor, pieces: Pieces) -> Tensor:
    return _whole(attention, frame, pieces, Kind.ATTENTION)


def _upsample(upsample: nn.Module, frame: Tensor, pieces: Pieces) -> Tensor:
    def rows(x: Tensor) -> Tensor:
        return upsample.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))

    return _over_rows(rows, [frame], len(frame), pieces, scale=2)


def _block(block: nn.Module, frame: Tensor, pieces: Pieces) -> Tensor:
    norm1 = _norm(block.norm1, frame, pieces)
    h = _over_rows(lambda x: block.conv1(norm1(x)), [frame], block.out_channels, pieces)
    norm2 = _norm(block.norm2, h, pieces)
    widens = block.in_channels != block.out_channels

    def finish(h: Tensor, x: Tensor) -> Tensor:
        return block.conv2(norm2(h)).add_(block.nin_shortcut(x) if widens else x)

    return _over_rows(finish, [h, frame], block.out_channels, pieces)


def _exit(decoder: nn.Module, frame: Tensor, pieces: Pieces) -> Tensor:
    norm, conv = _norm(decoder.norm_out, frame, pieces), decoder.conv_out
    return _over_rows(lambda x: conv(norm(x), skip_video=True), [frame], conv.out_channels, pieces)


_STEPS: dict[Kind, Callable[[nn.Module, Tensor, Pieces], Tensor]] = {
    Kind.CONV: _conv,
    Kind.ATTENTION: _attention,
    Kind.UPSAMPLE: _upsample,
    Kind.BLOCK: _block,
    Kind.EXIT: _exit,
}
