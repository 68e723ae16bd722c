"""Group norm over a whole clip that is only ever seen in pieces: moments first, then the norm.

Every piece is taken in fp32, its squares about its own mean, and the pieces are put together as
Chan, Golub and LeVeque (1979) do: nothing is lost when the mean is large beside the spread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIECE = 2**23  # elements that are held in fp32 at a time


class Moments(NamedTuple):
    """Mean of `count` values and sum of their squares about it, (n, groups) each, fp32."""

    count: int
    mean: Tensor
    squares: Tensor


class ClipNorm(NamedTuple):
    """A group norm with its moments known: y = x * scale + shift, both (channels,) in fp32."""

    scale: Tensor
    shift: Tensor


def moments(x: Tensor, groups: int) -> Moments:
    """Moments of every group of channels in each of n: x (n, C, ...), contiguous."""
    grouped = x.reshape(len(x), groups, -1)
    mean = torch.empty(grouped.shape[:2], device=x.device)
    squares = torch.empty_like(mean)
    for part in _parts(grouped):
        values = grouped[part].float()
        own = values.mean(2, keepdim=True)
        squares[part] = (values - own).square_().sum(2)
        mean[part] = own.squeeze(2)
    return Moments(grouped.shape[2], mean, squares)


def clip_norm(norm: nn.GroupNorm, parts: Iterable[Moments]) -> ClipNorm:
    """`norm` over everything that the parts have seen."""
    parts = list(parts)
    # In fp64 where the device has it: it is one number a group.
    precise = torch.float32 if parts[0].mean.device.type == "mps" else torch.float64
    mean = torch.cat([part.mean for part in parts]).to(precise)
    squares = torch.cat([part.squares for part in parts]).to(precise)
    count = torch.cat([torch.full_like(part.mean, part.count) for part in parts]).to(precise)
    total = count.sum(0)
    centre = (count * mean).sum(0) / total
    variance = (squares + count * (mean - centre).square()).sum(0) / total
    width = norm.num_channels // norm.num_groups
    rate = (variance + norm.eps).rsqrt().repeat_interleave(width)
    scale = rate * norm.weight.to(rate)
    shift = norm.bias.to(rate) - centre.repeat_interleave(width) * scale
    return ClipNorm(scale.float(), shift.float())


def norm_silu(x: Tensor, norm: ClipNorm, out: Tensor) -> Tensor:
    """silu(norm(x)) into `out`, both (C, ...) in any strides; `out` may be `x`."""
    shape = (-1,) + (1,) * (x.ndim - 1)
    step = max(1, PIECE // x[0].numel())
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        scale, shift = (values[part].view(shape) for values in norm)
        if x.dtype == scale.dtype:
            F.silu(torch.addcmul(shift, x[part], scale, out=out[part]), inplace=True)
        else:
            out[part] = F.silu(x[part].float().mul_(scale).add_(shift), inplace=True)
    return out


def frame_norm_silu(norm: nn.GroupNorm, x: Tensor, out: Tensor) -> Tensor:
    """silu(norm(x)) into `out`, both (n, C, H, W), each frame by itself; `out` may be `x`.

    A few groups at a time: the networks' own norms need a second frame to write to.
    """
    width = norm.num_channels // norm.num_groups
    weight, bias = norm.weight.to(x), norm.bias.to(x)
    step = max(1, PIECE // x[:, :width].numel()) * width
    for start in range(0, norm.num_channels, step):
        part = slice(start, start + step)
        groups = len(weight[part]) // width
        y = F.group_norm(x[:, part], groups, weight[part], bias[part], norm.eps)
        torch.ops.aten.silu.out(y, out=out[:, part])
    return out


def _parts(grouped: Tensor) -> Iterator[tuple[slice, slice]]:
    """Index (n, G, m) in parts of at most PIECE elements, or of one group where that has more."""
    rows, groups, size = grouped.shape
    tall, wide = max(1, PIECE // (groups * size)), max(1, min(groups, PIECE // size))
    for row in range(0, rows, tall):
        for group in range(0, groups, wide):
            yield slice(row, row + tall), slice(group, group + wide)
