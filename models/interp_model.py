"""ComfyUI's own interpolation networks (INTERP_MODEL: FILM, RIFE 4.25 and newer).

Written against comfy_extras/nodes_frame_interpolation.py and frame_interpolation_models/ of
ComfyUI 0.20: a network has `extract_features(frame)`, `forward(first, second, timestep, cache)`,
and may have `pad_align`, and `forward_multi_timestep(first, second, times, cache)` where motion
does not depend on time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 4  # times, so that many frames between two do not pile up


class CoreNetwork(Protocol):
    """What is called of core's network."""

    def extract_features(self, frame: Tensor) -> Any: ...  # noqa: ANN401

    def __call__(
        self, first: Tensor, second: Tensor, timestep: Tensor, cache: dict[str, Any]
    ) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Prepared:
    """A padded frame on the network's device, its features, and its size without padding."""

    frame: Tensor
    features: Any
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class CoreInterpolator:
    """A `network` of core's on `device`, computing in `dtype`."""

    network: CoreNetwork
    device: torch.device
    dtype: torch.dtype = torch.float32

    def prepare(self, frame: Tensor) -> Prepared:
        height, width = frame.shape[-2:]
        multiple = getattr(self.network, "pad_align", 1)
        frame = frame.to(self.device, self.dtype)
        padding = (0, -width % multiple, 0, -height % multiple)
        frame = F.pad(frame, padding, mode="replicate")
        return Prepared(frame, self.network.extract_features(frame), (height, width))

    def between(
        self, first: Prepared, second: Prepared, times: Sequence[float]
    ) -> Iterator[Tensor]:
        cache = {"img0": first.features, "img1": second.features}
        height, width = first.size
        for frame in self._drawn(first.frame, second.frame, times, cache):
            yield frame[None, :, :height, :width].float().clamp(0, 1)

    def _drawn(
        self, first: Tensor, second: Tensor, times: Sequence[float], cache: dict[str, Any]
    ) -> Iterator[Tensor]:
        several = getattr(self.network, "forward_multi_timestep", None)
        if several is not None:
            for start in range(0, len(times), AT_ONCE):
                yield from several(first, second, list(times[start : start + AT_ONCE]), cache=cache)
        else:
            for t in times:
                timestep = first.new_full((1, 1, *first.shape[-2:]), t)
                yield self.network(first, second, timestep=timestep, cache=cache)[0]
