"""What an exact decode holds on its device at most, from the shapes alone.

Follows decode.py stage by stage and counts what is alive where most is. Weights, and what a
convolution takes for itself while it runs, are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod

from torch import nn

from .clip_norm import PIECE
from .decode_stages import Kind, Stage, frame_parts, shape_after
from .parking import Shape, band_bounds
from .row_tiles import ROWS

FP32 = 4
ATTENTION = 6  # frames: the input, its norm, query, key, value and the result


@dataclass(frozen=True)
class DecodePlan:
    """How a decode fits a budget; all in bytes.

    `estimate` is its peak on the device, `device_room` what the clip may take of that, and
    `frame_limit` above which the frames of a stage are cut into rows. With `keeps_halves`
    nothing is computed twice.
    """

    estimate: int
    device_room: int
    frame_limit: float
    keeps_halves: bool = False


def plan_decode(stages: list[Stage], shape: Shape, itemsize: int, budget: int) -> DecodePlan:
    """The fastest way to decode latents of `shape` (T, 4, h, w) within `budget` bytes."""
    parked = parked_bytes(stages, shape, itemsize)
    at_ease = peak_bytes(stages, shape, itemsize, away=False, halves=True)
    if at_ease <= budget:
        return DecodePlan(at_ease, parked, inf, keeps_halves=True)
    at_home = peak_bytes(stages, shape, itemsize, away=False)
    if at_home <= budget:
        return DecodePlan(at_home, parked, inf)
    beside = peak_bytes(stages, shape, itemsize, away=True)
    if beside <= budget:
        room = min(parked, budget - beside)
        return DecodePlan(beside + room, room, inf)
    return DecodePlan(peak_bytes(stages, shape, itemsize, True, frame_limit=budget), 0, budget)


def least_bytes(stages: list[Stage], shape: Shape, itemsize: int) -> int:
    """The smallest budget there is an exact way for."""
    return peak_bytes(stages, shape, itemsize, away=True, frame_limit=0)


def peak_bytes(
    stages: list[Stage],
    shape: Shape,
    itemsize: int,
    away: bool,
    frame_limit: int | None = None,
    halves: bool = False,
) -> int:
    """Peak on the device; `away`: the clip waits elsewhere, `halves`: half-way results do not."""
    peak = 0
    for stage in stages:
        after = shape_after(stage, shape)
        space = space_bytes(stage, shape, itemsize, away)
        if frame_limit is not None and space > frame_limit:
            space = rows_bytes(stage, shape, itemsize)
        time = time_bytes(stage, after, itemsize, away)
        if not away:
            space += (prod(after) + (prod(shape) if after != shape else 0)) * itemsize
            time += prod(after) * itemsize
        if halves and not stage.exits:
            start, stop = band_bounds(after)[0]  # the one at work is among those that are kept
            time += (prod(after) - prod(after[:2]) * (stop - start)) * itemsize
        peak, shape = max(peak, space, time), after
    return peak


def parked_bytes(stages: list[Stage], shape: Shape, itemsize: int) -> int:
    """What the clip takes where it waits: while a stage changes its size, before and after."""
    most = 0
    for stage in stages:
        after = shape_after(stage, shape)
        most = max(most, prod(after) + (prod(shape) if after != shape else 0))
        shape = after
    return most * itemsize


def space_bytes(stage: Stage, shape: Shape, itemsize: int, away: bool) -> int:
    """While a stage runs over whole frames of a clip of `shape`, the clip itself left out."""
    counts = [part.stop - part.start for part in frame_parts(stage, shape)]
    before, after = prod(shape[1:]), shape_after(stage, shape)
    groups = 1 if stage.exits else stage.time.time_stack.in_layers[0].num_groups
    peak = 0
    for last, count, following in _neighbours(counts):
        x, y = count * before, count * prod(after[1:])
        coming, leaving = following * before * away, last * prod(after[1:]) * away
        seen = y * itemsize + _moments_bytes(count, groups, y, itemsize)
        peak = max(
            peak,
            (x + (x + leaving) * away) * itemsize,
            (coming + leaving + _steps_elements(stage, x, (count, *after[1:]))) * itemsize,
            (coming + leaving) * itemsize + seen,
            (coming + y + y * away) * itemsize,
        )
    return peak


def time_bytes(stage: Stage, shape: Shape, itemsize: int, away: bool) -> int:
    """While a stage runs over bands of a clip of `shape`, the clip itself left out."""
    sizes = [shape[0] * shape[1] * (stop - start) for start, stop in band_bounds(shape)]
    peak = 0
    for last, x, following in _neighbours(sizes):
        waiting, leaving = (x + following) * itemsize * away, last * itemsize * away
        if stage.exits:
            peak = max(peak, waiting + leaving + x * itemsize)
            continue
        groups = stage.time.time_stack.out_layers[0].num_groups
        norm = x * itemsize + _norm_bytes(shape[1], x, itemsize)
        seen = x * itemsize + _moments_bytes(1, groups, x, itemsize)
        peak = max(peak, waiting + max(leaving + max(2 * x * itemsize, norm), seen))
    return peak


def _neighbours(sizes: list[int]) -> set[tuple[int, int, int]]:
    """The part before, a part, and the part after it, as they follow each other; 0 at the ends."""
    return set(zip([0, *sizes[:-1]], sizes, [*sizes[1:], 0], strict=True))


def rows_bytes(stage: Stage, shape: Shape, itemsize: int) -> int:
    """While a stage runs over the rows of one frame."""
    _, before, height, width = shape
    _, channels, *_, wide = shape_after(stage, shape)
    small = height * width  # the layers that need a whole frame are those at the latent's size
    kinds = {step.kind for step in stage.steps}
    alive = [0]
    if Kind.CONV in kinds:
        alive.append((before + channels) * small)
    if Kind.ATTENTION in kinds:
        alive.append(ATTENTION * channels * small)
    if Kind.UPSAMPLE in kinds:
        rows = max(1, ROWS // (4 * before * width))
        alive.append(9 * before * min(rows + 2, height) * width)
    if Kind.BLOCK in kinds:
        broad = max(stage.channels_in, channels)
        rows = min(max(1, ROWS // (broad * wide)) + 2, height * (wide // width))
        held = 3 * channels + stage.channels_in
        alive.append(held * rows * wide)
    part = min(ROWS, max(stage.channels_in, channels) * small * (wide // width) ** 2)
    return max(max(alive) * itemsize, part * itemsize + _moments_bytes(1, 1, part, itemsize))


def _steps_elements(stage: Stage, x: int, after: Shape) -> int:
    """Alive at most in `run_whole`, from frames of `x` elements to `after` (n, C, H, W)."""
    frames, channels, height, width = after
    pixels = frames * height * width
    alive = [x]
    for step in stage.steps:
        if step.kind is Kind.CONV:
            alive.append(x + channels * pixels)
        elif step.kind is Kind.ATTENTION:
            alive.append(x + (ATTENTION - 1) * x // frames)
        elif step.kind is Kind.UPSAMPLE:
            alive.append(2 * stage.channels_in * pixels)
        elif step.kind is Kind.BLOCK:
            alive.append(_block_elements(step.module, pixels, frames))
        else:
            alive.append(x + _group_norm_elements(step.module.norm_out, x, frames))
    return max(alive)


def _block_elements(block: nn.Module, pixels: int, frames: int) -> int:
    before, channels = block.in_channels * pixels, block.out_channels * pixels
    norm1 = _group_norm_elements(block.norm1, before, frames)
    norm2 = _group_norm_elements(block.norm2, channels, frames)
    return max(
        before + channels + norm1,  # the input, and its norm or its shortcut
        before + 2 * channels,  # what is kept, the normed input, the first convolution
        2 * channels + norm2,
        3 * channels,
    )


def _group_norm_elements(norm: nn.GroupNorm, x: int, frames: int) -> int:
    """What `frame_norm_silu` takes at a time."""
    group = x // norm.num_groups
    part = group * min(norm.num_groups, max(1, PIECE // group))
    return part if part == x or frames == 1 else 2 * part  # several frames are copied first


def _norm_bytes(channels: int, x: int, itemsize: int) -> int:
    """What `norm_silu` takes at a time: nothing in fp32."""
    part = x // channels * min(channels, max(1, PIECE // (x // channels)))
    return 0 if itemsize == FP32 else FP32 * part


def _moments_bytes(rows: int, groups: int, x: int, itemsize: int) -> int:
    """What `moments` takes at a time."""
    size = x // (rows * groups)
    part = size * min(groups, max(1, PIECE // size)) * min(rows, max(1, PIECE // (groups * size)))
    return FP32 * part * (1 if itemsize == FP32 else 2)
