"""A pass of core's video UNet through its outer blocks only, and the tensor that this takes.

The loops are those of core's `UNetModel`, with the patches of other nodes in their places; a test
holds a pass that begins with a tensor of the same evaluation to core's own, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import forward_timestep_embed
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from torch import Tensor, nn

from ...sampling.parked_skips import ParkedSkips
from ...sampling.unet_cost import SUBSAMPLING


@dataclass(frozen=True)
class UNetCall:
    """Arguments of core's `UNetModel.forward`; x is (conds * T, 8, h, w)."""

    x: Tensor
    timesteps: Tensor
    context: Tensor
    y: Tensor
    control: dict | None
    options: dict[str, Any]
    others: dict[str, Any]

    @property
    def conds(self) -> int:
        return len(self.options.get("cond_or_uncond", [0]))

    @property
    def patches(self) -> dict[str, list]:
        return self.options.get("patches", {})

    def alone(self, index: int) -> UNetCall:
        """The same for one of the conditionings."""
        options = self.options | {
            name: [self.options[name][index]] for name in ("cond_or_uncond", "uuids")
        }
        by_frame = (self.x, self.timesteps, self.context, self.y)
        return UNetCall(
            *(self._of(value, index) for value in by_frame),
            self.control,
            options,
            {name: self._of(value, index) for name, value in self.others.items()},
        )

    def with_patches(self, patches: dict[str, list]) -> UNetCall:
        return replace(self, options=self.options | {"patches": self.patches | patches})

    def run(self, executor: Callable) -> Tensor:
        """Through core's own code, and the wrappers of others."""
        return executor(
            self.x, self.timesteps, self.context, self.y, self.control, self.options, **self.others
        )

    def _of(self, value: Any, index: int) -> Any:  # noqa: ANN401 - whatever conditionings hold
        by_frame = isinstance(value, Tensor) and value.ndim and len(value) == len(self.x)
        return value.chunk(self.conds)[index] if by_frame else value


@dataclass
class Deep:
    """What the outer blocks of the decoder begin with, (T, C, h, w), for one conditioning.

    `outer` is what the outer ones of the encoder gave then, some of its pixels, to measure
    changes by. `transformer_index`: how many transformers core has counted before it.
    """

    h: Tensor
    transformer_index: int
    outer: Tensor | None = None


@dataclass
class Encoded:
    """What the outer blocks of the encoder leave for those of the decoder."""

    skips: list[Tensor]
    emb: Tensor
    options: dict[str, Any]


class OuterBlocks:
    """The `blocks` first blocks of a `UNetModel`'s encoder and the last ones of its decoder."""

    def __init__(self, unet: nn.Module, blocks: int) -> None:
        self._unet, self._blocks = unet, blocks
        self._first = len(unet.output_blocks) - blocks

    def whole(
        self, executor: Callable, call: UNetCall, measure: bool
    ) -> tuple[Tensor, list[Deep] | None]:
        """A whole evaluation, by core itself, and what to keep of it for each conditioning.

        None instead where the network was run without asking core's block patches.
        """
        kept: dict[str, Any] = {}
        others = call.patches.get("output_block_patch", [])
        to_host = parks_skips(call)

        def keep(h: Tensor, skip: Tensor, options: dict) -> tuple[Tensor, Tensor]:
            if options["block"] == ("output", self._first):
                # Others may change it in place; FreeU does.
                kept["h"] = h.cpu() if to_host else h.clone() if others else h
                kept["transformer_index"] = options.get("transformer_index", 0)
            return h, skip

        def keep_outer(h: Tensor, options: dict) -> Tensor:
            if options["block"] == ("input", self._blocks - 1):
                kept["outer"] = some_pixels(h)
            return h

        patches = {"output_block_patch": [keep, *others]}
        if measure:
            name = "input_block_patch_after_skip"
            patches[name] = [*call.patches.get(name, []), keep_outer]
        output = call.with_patches(patches).run(executor)
        if "h" not in kept:
            return output, None
        outers = kept["outer"].chunk(call.conds) if measure else [None] * call.conds
        index = kept["transformer_index"]
        pieces = kept["h"].chunk(call.conds)
        return output, [Deep(h, index, outer) for h, outer in zip(pieces, outers, strict=True)]

    def encode(self, call: UNetCall) -> tuple[Tensor, Encoded]:
        """What the outer blocks of the encoder give, and what the decoder wants of them."""
        unet, x = self._unet, call.x
        options = call.options | {"original_shape": list(x.shape), "transformer_index": 0}
        emb = timestep_embedding(call.timesteps, unet.model_channels, repeat_only=False)
        emb = unet.time_embed(emb.to(x.dtype))
        for patch in call.patches.get("emb_patch", []):
            emb = patch(emb, unet.model_channels, options)
        if unet.num_classes is not None:
            emb = emb + unet.label_emb(call.y)
        encoded = Encoded([], emb, options)
        h = x
        for number, block in enumerate(unet.input_blocks[: self._blocks]):
            options["block"] = ("input", number)
            h = self._through(block, h, encoded, call)
            for patch in call.patches.get("input_block_patch", []):
                h = patch(h, options)
            encoded.skips.append(h)
            for patch in call.patches.get("input_block_patch_after_skip", []):
                h = patch(h, options)
        return h, encoded

    def decode(self, call: UNetCall, encoded: Encoded, deep: list[Deep]) -> Tensor:
        """The outer blocks of the decoder, from what was kept for each conditioning of `call`."""
        unet, options, skips = self._unet, encoded.options, encoded.skips
        patches = call.patches.get("output_block_patch", [])
        options["transformer_index"] = deep[0].transformer_index
        h = torch.cat([one.h.to(call.x.device) for one in deep])  # a copy: patches may change it
        for number, block in enumerate(unet.output_blocks[self._first :], self._first):
            options["block"] = ("output", number)
            skip = skips.pop()
            for patch in patches:
                h, skip = patch(h, skip, options)
            h = torch.cat([h, skip], dim=1)
            del skip
            h = self._through(block, h, encoded, call, skips[-1].shape if skips else None)
        return unet.out(h.type(call.x.dtype))

    def _through(
        self,
        block: nn.Module,
        h: Tensor,
        encoded: Encoded,
        call: UNetCall,
        output_shape: torch.Size | None = None,
    ) -> Tensor:
        told = call.others
        return forward_timestep_embed(
            block,
            h,
            encoded.emb,
            call.context,
            encoded.options,
            output_shape,
            time_context=told.get("time_context"),
            num_video_frames=told.get("num_video_frames", self._unet.default_num_video_frames),
            image_only_indicator=told.get("image_only_indicator"),
        )


def parks_skips(call: UNetCall) -> bool:
    """The memory plan has tensors wait in host memory: what is kept for later waits there too."""
    patches = call.patches.get("output_block_patch", [])
    return any(isinstance(getattr(patch, "__self__", None), ParkedSkips) for patch in patches)


def some_pixels(h: Tensor) -> Tensor:
    """A sixteenth of the pixels of h (n, C, H, W), in memory of their own."""
    return h[..., ::SUBSAMPLING, ::SUBSAMPLING].clone()


def relative_change(now: Tensor, before: Tensor) -> float:
    """Mean distance of two tensors relative to the mean size of the one before."""
    return float((now - before).abs().mean() / before.abs().mean())
