"""How the pieces of a decode are run: one fetched ahead, and with less when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from .ladder import NotEnoughMemoryError, climb_down
from .parking import Finish, Parking

T = TypeVar("T")


def torch_ran_out(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError)


@dataclass
class Pieces:
    """One decode's way of running its pieces.

    A piece writes what it found only when all of it is computed, so it can be run again. When
    memory runs out, the clip leaves the device; then nothing is fetched ahead; then frames are
    cut into rows; then `too_large`, an error message, is raised.
    """

    parking: Parking
    too_large: str = "Not enough memory to decode."
    frame_limit: float = float("inf")  # bytes: a stage that needs more for its frames is cut
    keeps_halves: bool = False  # what would else be computed twice, once for its moments
    between_pieces: Callable[[], None] = lambda: None
    is_oom: Callable[[Exception], bool] = torch_ran_out
    free_cache: Callable[[], None] = lambda: None
    retries: list[str] = field(default_factory=list)
    was_cut: bool = False
    _ahead: bool = True
    _coming: dict[int, Finish] = field(default_factory=dict)
    _halves: dict[int, Tensor] = field(default_factory=dict)

    def do(self, piece: Callable[[], T], frame_bytes: int = 0) -> T:
        """Run one piece; `frame_bytes` is what it needs if it runs over whole frames."""
        self.between_pieces()
        return climb_down(piece, lambda: self._step_down(frame_bytes), self.is_oom)

    def take(self, begin: Callable[..., Finish], parts: Sequence, index: int) -> Tensor:
        """Part `index` of a clip, while the next one begins to come."""
        finish = self._coming.pop(index, None) or begin(parts[index])
        piece = finish()
        del finish  # and with it the buffer that the piece came in
        if self._ahead and index + 1 < len(parts):
            self._coming[index + 1] = begin(parts[index + 1])
        return piece

    def cuts(self, frame_bytes: int) -> bool:
        """Whether whole frames that need so much are too large."""
        cut = frame_bytes > self.frame_limit
        self.was_cut |= cut
        return cut

    def keep(self, index: int, half: Tensor) -> None:
        """Keep the half-way result of a band on the device, if there is room for the clip's."""
        if self.keeps_halves:
            self._halves[index] = half

    def kept(self, index: int) -> Tensor | None:
        """Hand over what was kept of a band."""
        return self._halves.pop(index, None)

    def _step_down(self, frame_bytes: int) -> bool:
        self._coming.clear()
        self._halves.clear()
        self.keeps_halves = False
        self.parking.settle()
        if self.parking.device_room > 0:
            for clip in list(self.parking.clips):
                self.parking.leave_device(clip)
            self.parking.device_room = 0
            self.retries.append("the clip left the device")
        elif self._ahead:
            self._ahead = False
            self.retries.append("nothing was fetched ahead")
        elif 0 < frame_bytes <= self.frame_limit:
            self.frame_limit = frame_bytes - 1
            self.retries.append("frames were cut into rows")
        else:
            raise NotEnoughMemoryError(self.too_large)
        self.free_cache()
        return True
