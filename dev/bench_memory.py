"""What sampling and decoding need, and how far they are from the whole: ComfyUI beside the pack."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from bench_films import films
from bench_networks import decoder_and_latents, inputs_of, unet_of_random_weights
from bench_report import Row
from svd_studio.dev.live_peak import LivePeak, linear_attention
from svd_studio.dev.meta_decoder import EVERYTHING, exact_peak, meta_decoder, whole_peak
from svd_studio.dev.meta_unet import MetaUNet
from svd_studio.models.architecture import UNetArchitecture, VAEArchitecture
from svd_studio.models.loader import build_vae
from svd_studio.models.patches.chunked_layers import chunk_layers
from svd_studio.sampling.decode import decode_exact
from svd_studio.sampling.decode_pieces import Pieces
from svd_studio.sampling.memory import GIBI, RUNGS, Pass, Rung
from svd_studio.sampling.parking import Parking, Place
from svd_studio.sampling.peak import PeakMemory
from torch import nn

WHOLE, LARGE_CHUNKS, SMALL_CHUNKS, PARKED_SKIPS = RUNGS
LATENT = (72, 128)  # of 1024x576
SMALL_FILM = (14, 4, 16, 32)  # of 256x128: what a CPU does in seconds
PAIRS = 3


def measure(quick: bool) -> Iterator[Row]:
    yield from unet_peaks()
    yield from decode_peaks()
    if torch.cuda.is_available():
        yield from computed_peaks(torch.device("cuda"), torch.float16, (25, *LATENT))
    if not quick:
        with torch.inference_mode():
            yield from films()
            yield from unet_side_by_side()
            yield from decode_side_by_side()


# ---- counted on the meta device, fp16 ----------------------------------------------------------


def unet_peaks() -> Iterator[Row]:
    unet = MetaUNet(UNetArchitecture(), torch.float16)
    for frames, conds, target in ((14, 1, 2.0), (25, 1, 2.0), (25, 2, 3.6)):
        one_pass = Pass(frames, *LATENT, 2, conds)
        whole = unet_peak(unet, one_pass, WHOLE)
        kind = "one cond" if conds == 1 else "both conds"
        name = f"UNet {frames}x576x1024 fp16, {kind}"
        for rung in (LARGE_CHUNKS, SMALL_CHUNKS, PARKED_SKIPS):
            ours = unet_peak(unet, one_pass, rung)
            short = rung.name.replace("small chunks, skips", "skips")
            yield Row(f"{name}: {short}", "GiB", whole, ours, target)


def unet_peak(unet: MetaUNet, one_pass: Pass, rung: Rung) -> float:
    with linear_attention(), LivePeak("meta") as live:
        unet.run(one_pass, rung)
    return live.peak / GIBI


def decode_peaks() -> Iterator[Row]:
    decoder = meta_decoder()
    with tempfile.TemporaryDirectory() as folder:
        for frames in (25, 100):
            shape = (frames, 4, *LATENT)
            peak, waiting = exact_peak(decoder, shape, Path(folder))
            whole = whole_peak(decoder, shape) / GIBI
            name = f"decode {frames}x576x1024 fp16"
            yield Row(f"{name}: on the device", "GiB", whole, peak / GIBI, 1.5)
            limit = 10.0 if frames == 25 else None
            yield Row(
                f"{name}: waiting on the host", "GiB", None, waiting[Place.HOST] / GIBI, limit
            )


# ---- what the device's own counter says --------------------------------------------------------


def computed_peaks(
    device: torch.device, dtype: torch.dtype, film: tuple[int, int, int]
) -> Iterator[Row]:
    """Passes over `film` (T, h, w) with uninitialised weights of the published size."""
    frames, height, width = film
    one_pass = Pass(frames, height, width, dtype.itemsize)
    unet = MetaUNet(UNetArchitecture(), dtype, device)
    size = f"{frames}x{height * 8}x{width * 8}, counted on {device.type}"
    whole, *chunked = (computed_peak(device, partial(unet.run, one_pass, rung)) for rung in RUNGS)
    for rung, ours in zip(RUNGS[1:], chunked, strict=True):
        yield Row(f"UNet {size}: {rung.name}", "GiB", whole, ours, 2.0)
    decoder = build_vae(VAEArchitecture()).to(device, dtype).decoder
    latents = torch.zeros(frames, 4, height, width, dtype=dtype, device=device)
    ours = computed_peak(device, partial(decode_parked, decoder, latents))
    yield Row(f"decode {size}: waiting on the host", "GiB", None, ours, 1.5)


@torch.inference_mode()
def decode_parked(decoder: nn.Module, latents: torch.Tensor) -> None:
    with tempfile.TemporaryDirectory() as folder:
        parking = Parking(latents.device, 0, EVERYTHING, Path(folder))
        for _ in decode_exact(decoder, latents, Pieces(parking)):
            pass


def computed_peak(device: torch.device, run: Callable[[], object]) -> float:
    with PeakMemory(device) as memory:
        run()
    return memory.peak / GIBI


# ---- computed on the CPU, fp32, full-size random weights ---------------------------------------


def unet_side_by_side() -> Iterator[Row]:
    model = unet_of_random_weights()
    run = inputs_of(model, SMALL_FILM)
    for rung, elements in (
        ("large chunks", LARGE_CHUNKS.chunk_elements),
        ("many chunks", 8 * 2**20),
    ):
        patched = with_chunks(model, run, elements)
        name = f"UNet 14x128x256 fp32, {rung}"
        theirs, ours, seconds, peaks = side_by_side(run, patched)
        error = float((ours - theirs).abs().max() / theirs.abs().max())
        yield Row(f"{name}: relative difference", "", None, error, 1e-5)
        yield Row(f"{name}: time", "x", 1.0, seconds, 1.05)
        yield Row(f"{name}: process", "GiB", *(peak / GIBI for peak in peaks))


def with_chunks(model, run: Callable, elements: int) -> Callable:  # noqa: ANN001 - a MODEL
    def patched() -> torch.Tensor:
        clone = model.clone()
        chunk_layers(clone, elements, [])
        clone.patch_model(load_weights=False)
        try:
            return run()
        finally:
            clone.unpatch_model(unpatch_weights=False)

    return patched


def decode_side_by_side() -> Iterator[Row]:
    vae, latents = decoder_and_latents(SMALL_FILM)
    network = vae.first_stage_model
    device = torch.device("cpu")

    def pictures(x: torch.Tensor) -> torch.Tensor:
        return vae.process_output(x)

    def exact() -> torch.Tensor:
        with tempfile.TemporaryDirectory() as folder:
            pieces = Pieces(Parking(device, EVERYTHING, 0, Path(folder)))
            return torch.cat(list(decode_exact(network.decoder, latents, pieces)))

    theirs, ours, seconds, peaks = side_by_side(lambda: network.decode(latents), exact)
    whole = pictures(theirs)
    sliced = pictures(torch.cat([network.decode(part) for part in latents.split(4)]))
    tiled, tiled_seconds = timed(lambda: vae.decode_tiled(latents).movedim(-1, 1))
    error = float((pictures(ours) - whole).abs().max())
    name = "decode 14x128x256 fp32"
    worst = float((sliced - whole).abs().max())
    yield Row(f"{name}: largest difference; ComfyUI's slices of 4", "", worst, error, 1e-3)
    worst = float((tiled - whole).abs().max())
    yield Row(f"{name}: largest difference; ComfyUI's tiles", "", worst, error, 1e-3)
    _, whole_seconds = timed(lambda: network.decode(latents))
    relative = tiled_seconds / whole_seconds
    yield Row(f"{name}: time of the whole; ComfyUI's tiles", "x", relative, seconds, 1.3)
    yield Row(f"{name}: process", "GiB", *(peak / GIBI for peak in peaks))


def side_by_side(
    theirs: Callable[[], torch.Tensor], ours: Callable[[], torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, float, tuple[int, int]]:
    """Both results, the median ratio of times of runs in turn, and both processes' peaks."""
    device = torch.device("cpu")
    with PeakMemory(device) as their_memory:
        reference = theirs()
    with PeakMemory(device) as our_memory:
        result = ours()
    ratios = []
    for _ in range(PAIRS):
        ratios.append(1 / timed(theirs)[1])
        ratios[-1] *= timed(ours)[1]
    return reference, result, statistics.median(ratios), (their_memory.peak, our_memory.peak)


def timed(function: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, float]:
    started = time.perf_counter()
    result = function()
    return result, time.perf_counter() - started
