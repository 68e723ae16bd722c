"""Steps that change the colours of every frame by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..stream import FrameStream

BT709_LUMA = (0.2126, 0.7152, 0.0722)


def coloured(
    before: FrameStream, start: int, change: Callable[[Tensor, int], Tensor]
) -> Iterator[Tensor]:
    """The frames from number `start` on, their colours (H, W, 3) through `change`, which is told
    the frame's number too; clamped to 0..1, alpha as it was."""
    for number, frame in enumerate(before.frames(start), start):
        yield with_colours(frame, change(frame[..., :3], number))
        del frame  # or it would stay until the next one is there


def with_colours(frame: Tensor, colours: Tensor) -> Tensor:
    """`colours` (H, W, 3) clamped to 0..1, with the alpha of `frame` if it has one."""
    colours = colours.clamp(0, 1).to(frame)
    return torch.cat([colours, frame[..., 3:]], dim=-1) if frame.shape[-1] == 4 else colours


def luma(colours: Tensor) -> Tensor:
    """(H, W, 3) -> (H, W), BT.709's of display values."""
    return colours @ colours.new_tensor(BT709_LUMA)
