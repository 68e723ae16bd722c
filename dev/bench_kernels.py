"""Work inside the network: what is kept because it is faster here, and what is not.

A UNet of the published size with random weights, 10 GB of memory, on one thread. Every
candidate takes its turn with core, in a new order each time, and CPU time counts, so that a busy
machine disturbs less. A ratio is of the shortest times.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

import comfy.ldm.modules.attention as attention
import comfy.ops
import torch
import torch.nn.functional as F
from bench_networks import inputs_of, unet_of_random_weights
from bench_report import Row
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.loader import build_unet
from svd_studio.models.patches.compiled import with_compiled_blocks
from svd_studio.models.patches.conv_layout import with_conv_layout
from svd_studio.models.patches.fast_layers import with_fast_layers
from svd_studio.models.patches.single_token import with_single_token
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

FILM = (14, 4, 16, 32)  # latents of 256x128
PUBLISHED = ((14, 72, 128), (25, 72, 128))
HEADS, HEAD = 5, 64  # of the widest level
ROUNDS = 5
EXACT = 1e-5
KEPT = 1.0  # what is kept is no slower
Run = Callable[[], Tensor]


@dataclass(frozen=True)
class Candidate:
    """`prepare` goes before `run` and is not timed."""

    run: Run
    prepare: Callable[[], object] = bool
    target: float | None = None
    exact: bool = True


def measure(quick: bool) -> Iterator[Row]:
    yield from counted()
    if quick:
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield from attention_back_ends()
            yield from evaluations()
    finally:
        torch.set_num_threads(threads)


# ---- counted on the meta device ----------------------------------------------------------------


def counted() -> Iterator[Row]:
    meta = torch.device("meta")
    unet = UNetModel(
        **UNetArchitecture().core_arguments(),
        dtype=torch.float16,
        device=meta,
        operations=comfy.ops.disable_weight_init,
    )
    holder = nn.Module()
    holder.diffusion_model = unet
    model = ModelPatcher(holder, load_device=meta, offload_device=meta)
    single = with_single_token(model)
    for film in PUBLISHED:
        run = partial(operations, unet, film)
        theirs, ours = run(), patched(single, run)()
        name = "x".join(map(str, (film[0], film[1] * 8, film[2] * 8)))
        yield Row(f"operations {name}: single-token cross-attention", "x", 1.0, ours / theirs, 1.0)


def operations(unet: nn.Module, film: tuple[int, int, int]) -> int:
    """Floating-point operations of one pass over `film` (T, h, w)."""
    frames, height, width = film
    empty = partial(torch.empty, device="meta", dtype=torch.float16)
    x, context, vector = empty(frames, 8, height, width), empty(frames, 1, 1024), empty(frames, 768)
    with sdpa(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        unet(x, empty(frames), context, y=vector, num_video_frames=frames)
    return counter.get_total_flops()


# ---- computed on the CPU -----------------------------------------------------------------------


def attention_back_ends() -> Iterator[Row]:
    """Self-attention of the widest level alone."""
    generator = torch.Generator().manual_seed(0)
    for frames, tokens, size in ((14, 16 * 32, "128x256"), (1, 72 * 128, "576x1024")):
        parts = torch.randn(3, frames, tokens, HEADS * HEAD, generator=generator)
        kinds = {
            "core": attention.attention_sub_quad,
            "--use-pytorch-cross-attention": attention.attention_pytorch,
            "--use-split-cross-attention": attention.attention_split,
        }
        runs = {kind: Candidate(partial(attend, *parts, HEADS)) for kind, attend in kinds.items()}
        yield from rows(f"attention {frames}x{size} fp32", runs)


def evaluations() -> Iterator[Row]:
    model = unet_of_random_weights()
    run = inputs_of(model, FILM)
    laid_out = [layer for layer in model.model.diffusion_model.modules() if is_convolution(layer)]
    lay = partial(lay_out, laid_out)
    plain, last = partial(lay, torch.contiguous_format), partial(lay, torch.channels_last)
    patched(with_conv_layout(model), run)()
    kept = [layer for layer in laid_out if not layer.weight.is_contiguous()]
    fast = partial(lay_out, kept, torch.channels_last)
    candidates = {
        "core": Candidate(run, plain),
        "single-token cross-attention": Candidate(
            patched(with_single_token(model), run), plain, KEPT
        ),
        "weight layout": Candidate(patched(with_conv_layout(model), run), both(plain, fast), KEPT),
        "SVD Fast Layers": Candidate(
            patched(with_fast_layers(model), run), both(plain, fast), KEPT
        ),
        "all weights channels last (dropped)": Candidate(run, last),
        "GEGLU in place (dropped)": Candidate(patched(geglu_in_place(model), run), plain),
        "--use-pytorch-cross-attention": Candidate(with_sdpa(run), plain),
        "SVD Compile": Candidate(patched(with_compiled_blocks(model), run), plain),
        "bf16": Candidate(in_bf16(model.model.diffusion_model), plain, exact=False),
    }
    yield from rows("evaluation 14x128x256 fp32", candidates)


def rows(name: str, candidates: dict[str, Candidate]) -> Iterator[Row]:
    """CPU time against the first's, and how far results are from its."""
    core, *others = candidates
    results = {kind: candidate.run() for kind, candidate in candidates.items()}  # and warm
    seconds = {kind: [] for kind in candidates}
    for _ in range(ROUNDS):
        for kind in random.sample(list(candidates), len(candidates)):
            candidates[kind].prepare()
            started = time.thread_time()
            candidates[kind].run()
            seconds[kind].append(time.thread_time() - started)
    for kind in others:
        candidate, reference = candidates[kind], results[core]
        ratio = min(seconds[kind]) / min(seconds[core])
        yield Row(f"{name}: {kind}", "x", 1.0, ratio, candidate.target)
        far = float((results[kind] - reference).abs().max() / reference.abs().max())
        limit = EXACT if candidate.exact else None
        yield Row(f"{name}: {kind}, difference", "", None, far, limit)


def patched(clone: ModelPatcher, run: Run) -> Run:
    """`run` with the clone's patches on the network they share."""

    def run_patched() -> Tensor:
        clone.patch_model(load_weights=False)
        try:
            return run()
        finally:
            clone.unpatch_model(unpatch_weights=False)

    return run_patched


def both(first: Callable[[], object], second: Callable[[], object]) -> Callable[[], object]:
    return lambda: (first(), second())


def is_convolution(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d)


def lay_out(layers: list[nn.Conv2d], layout: torch.memory_format) -> None:
    for layer in layers:
        layer.weight.data = layer.weight.contiguous(memory_format=layout)


def geglu_in_place(model: ModelPatcher) -> ModelPatcher:
    def forward(layer: attention.GEGLU, x: Tensor) -> Tensor:
        x, gate = layer.proj(x).chunk(2, dim=-1)
        return F.gelu(gate).mul_(x)

    clone = model.clone()
    for name, layer in model.model.diffusion_model.named_modules():
        if isinstance(layer, attention.GEGLU):
            clone.add_object_patch(f"diffusion_model.{name}.forward", partial(forward, layer))
    return clone


def sdpa() -> AbstractContextManager:
    """Core's attention as its option --use-pytorch-cross-attention makes it."""
    return patch.object(attention, "optimized_attention", attention.attention_pytorch)


def with_sdpa(run: Run) -> Run:
    def run_with_sdpa() -> Tensor:
        with sdpa():
            return run()

    return run_with_sdpa


def in_bf16(unet: nn.Module) -> Run:
    """The same pass computed in bf16, which core does not do on a CPU: it casts weights to fp32."""
    half = build_unet(UNetArchitecture(), torch.bfloat16)
    half.load_state_dict(unet.state_dict())
    shape, generator = FILM, torch.Generator().manual_seed(1)
    frames, _, height, width = shape
    x, context, vector = (  # as `inputs_of` draws them
        torch.randn(size, generator=generator).bfloat16()
        for size in ((frames, 8, height, width), (frames, 1, 1024), (frames, 768))
    )
    timestep = torch.ones(frames)
    return lambda: half(x, timestep, context, y=vector, num_video_frames=frames).float()
