"""A network within a budget of memory, and what is done when memory runs out all the same."""

from __future__ import annotations

import logging
from enum import Enum

import torch
from torch import Tensor

from .activations import bytes_a_pixel
from .grid import Grid, plan_grid, smallest_tile
from .network import Network, Room
from .tiles import upscale_frame

log = logging.getLogger(__name__)
OUT_OF_MEMORY = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
SAID_SO = ("out of memory", "can't allocate memory")
BYTES = 4  # of a value in the result


class TooLittleMemoryError(RuntimeError):
    """Not even the smallest tile fits."""


class Precision(Enum):
    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"

    def dtype(self, network: Network, device: torch.device) -> torch.dtype:
        """What the network computes in; auto takes half precision where that is faster.

        Raises ValueError for a precision in which the network gives no picture.
        """
        if self is Precision.AUTO:
            half = device.type == "cuda" and network.supports_half
            return torch.float16 if half else torch.float32
        if self is Precision.FP16 and not network.supports_half:
            raise ValueError(f"{network.describe()} cannot compute in fp16: choose auto or fp32.")
        if self is Precision.BF16 and not network.supports_bfloat16:
            raise ValueError(f"{network.describe()} cannot compute in bf16: choose auto or fp32.")
        return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(self.value, torch.float32)


class TiledNetwork:
    """A network for frames of any size, on one grid for each size.

    When memory runs out, tiles get half as large, for the same frames again and for all that
    follow. Half precision that overflows is given up for good, too.
    """

    def __init__(self, network: Network, room: Room, precision: Precision, side: int = 0) -> None:
        self._network = network
        self._room = room
        self._side = side
        self._dtype = precision.dtype(network, room.device)
        self._bytes_a_pixel = 0.0
        self._most_pixels: dict[tuple[int, ...], float] = {}
        self.grids: dict[tuple[int, ...], Grid] = {}

    def __call__(self, frames: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in 0..1, larger. Raises TooLittleMemoryError."""
        while True:
            grid = self._grid(tuple(frames.shape))
            try:
                larger = upscale_frame(
                    frames, self._run, grid, self._network.scale, self._room.between_tiles
                )
            except RuntimeError as error:
                if not ran_out(error):
                    raise
                larger = None  # outside of the block the error's traceback holds no tensors
            if larger is None:
                self._step_down(tuple(frames.shape), grid)
            elif self._dtype == torch.float16 and larger.isnan().any():
                log.warning("%s overflows in fp16: going on in fp32.", self._network.describe())
                self._dtype, self._bytes_a_pixel = torch.float32, 0.0
                self.grids.clear()
                self._most_pixels.clear()
            else:
                return larger

    def _run(self, pictures: Tensor) -> Tensor:
        device, half = self._room.device.type, self._dtype != torch.float32
        if device == "cpu" or half:  # where convolutions are faster so
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, self._dtype if half else None, enabled=half):
            return self._network(pictures)

    def _grid(self, shape: tuple[int, ...]) -> Grid:
        if shape not in self.grids:
            batch, _, height, width = shape
            if shape not in self._most_pixels:
                self._most_pixels[shape] = self._budget(shape)
            most = self._most_pixels[shape] / batch
            grid = plan_grid(height, width, self._network, most, self._side)
            if grid is None:
                raise TooLittleMemoryError(self._too_little(height, width))
            self.grids[shape] = grid
        return self.grids[shape]

    def _budget(self, shape: tuple[int, ...]) -> float:
        """How many pixels may go through the network at once."""
        if not self._bytes_a_pixel:
            self._bytes_a_pixel = bytes_a_pixel(self._run, self._network, self._room.device)
        batch, _, height, width = shape
        pixels = batch * height * width
        result = 3 * BYTES * pixels * self._network.scale**2
        memory = self._room.reserve(int(self._bytes_a_pixel * pixels + 2 * result))
        most = max(memory - 2 * result, memory / 4) / self._bytes_a_pixel
        # Estimates err on the safe side: the smallest tile is always tried.
        return max(most, batch * smallest_tile(height, width, self._network))

    def _step_down(self, shape: tuple[int, ...], grid: Grid) -> None:
        tried = grid.describe()
        self._most_pixels[shape] = shape[0] * grid.tile_pixels / 2
        del self.grids[shape]
        log.warning(
            "Memory ran out with %s: going on with %s.", tried, self._grid(shape).describe()
        )

    def _too_little(self, height: int, width: int) -> str:
        least = smallest_tile(height, width, self._network) * self._bytes_a_pixel / 2**30
        return (
            f"Upscaling frames of {width}x{height} with {self._network.describe()} takes "
            f"{least:.2f} GiB for the smallest tile, and there is less: close other programs, "
            "raise memory_gib, or choose a smaller network."
        )


def ran_out(error: RuntimeError) -> bool:
    """Whether an error is that there is no memory left; the CPU's has no class of its own."""
    return isinstance(error, OUT_OF_MEMORY) or any(said in str(error).lower() for said in SAID_SO)
