"""The encoder half's outputs wait in host memory until the decoder half wants them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


class ParkedSkips:
    """Three block patches in core's terms, for one pass of the UNet.

    Between `park` and `give_back` core keeps what `park` returned, a copy in host memory, as the
    skip; `fetch` brings it to the device again. Strides are kept, so nothing rounds differently.
    """

    def __init__(self, to_host: Callable[[Tensor], Tensor] = Tensor.cpu) -> None:
        self._to_host = to_host
        self._newest: Tensor | None = None

    def park(self, h: Tensor, transformer_options: dict) -> Tensor:
        self._newest = h
        return self._to_host(h)

    def give_back(self, h: Tensor, transformer_options: dict) -> Tensor:
        h, self._newest = self._newest, None
        return h

    def fetch(self, h: Tensor, skip: Tensor, transformer_options: dict) -> tuple[Tensor, Tensor]:
        return h, skip.to(h.device)

    def patches(self, others: dict[str, list]) -> dict[str, list]:
        """These patches around those that `others` has, which see tensors on the device only."""
        return others | {
            "input_block_patch": [*others.get("input_block_patch", []), self.park],
            "input_block_patch_after_skip": [
                self.give_back,
                *others.get("input_block_patch_after_skip", []),
            ],
            "output_block_patch": [self.fetch, *others.get("output_block_patch", [])],
        }
