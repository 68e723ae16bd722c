"""What draws the frames between two frames: a network, or optical flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor

from ..stream import Clip


class Between(Protocol):
    """Draws frames between two others; keeps nothing from one call to the next."""

    def prepare(self, frame: Tensor) -> Any:  # noqa: ANN401 - each kind has its own
        """What has to be known of `frame` (1, 3, H, W), float in 0..1; any device.

        It serves both pairs that the frame is in.
        """
        ...

    def between(
        self,
        first: Any,  # noqa: ANN401
        second: Any,  # noqa: ANN401
        times: Sequence[float],
    ) -> Iterator[Tensor]:
        """The frames (1, 3, H, W) at `times` in 0..1 between two prepared frames, any device."""
        ...


class Opened(Protocol):
    """Gives a `Between` for as long as frames like those of `clip` are pulled."""

    def __call__(self, clip: Clip) -> AbstractContextManager[Between]: ...
