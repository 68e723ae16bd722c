"""What SVD Sampler costs beside the network: core's KSampler and ours around one that is free."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import comfy.utils
import psutil
import torch
from bench_networks import inputs_of, unet_of_random_weights
from bench_report import Row
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_video_model import VideoLinearCFGGuidance
from svd_studio.models.loader import load_svd
from svd_studio.models.sources import MINI, open_svd
from svd_studio.nodes.condition import SVDConditioning
from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler
from svd_studio.nodes.sample import SVDGuidance
from svd_studio.sampling.memory import GIBI
from torch import Tensor

import nodes as core_nodes

FILMS = ((14, 16, 32), (25, 72, 128))  # latents of 256x128 and 1024x576
STEPS = 25
PAIRS = 15
FIRST, LAST = 1.0, 2.5  # guidance scales
FULL_SIZE = 12 * GIBI  # what the published UNet in fp32 needs, with room for others

Run = Callable[[], object]


@torch.inference_mode()
def measure() -> Iterator[Row]:
    """Milliseconds of the processor an evaluation, those before and after the steps shared out.

    The processor's, as a busy machine makes the time on the wall longer than it is.
    """
    comfy.utils.set_progress_bar_enabled(False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sharing work this small takes longer than doing it
    svd = load_svd(open_svd(MINI), "fp32")
    added = {}
    for film in FILMS:
        frames, height, width = film
        theirs, ours, added[film] = side_by_side(*both_samplers(svd, film))
        size = f"{frames}x{height * 8}x{width * 8}"
        yield Row(f"sampler without network, {size}: an evaluation", "ms", theirs, ours)
    torch.set_num_threads(threads)
    if psutil.virtual_memory().available > FULL_SIZE:
        seconds = full_size_evaluation(FILMS[0])
        share = 100 * added[FILMS[0]] / 1000 / seconds
        yield Row("evaluation of the published size, 14x128x256 fp32", "s", None, seconds)
        yield Row("our sampler's overhead over core's, of it", "%", None, share, 1.0)


def both_samplers(svd, film: tuple[int, int, int]) -> tuple[Run, Run]:  # noqa: ANN001
    """A run of core's KSampler and one of ours with the same guidance, of `film` (T, h, w)."""
    frames, height, width = film
    picture = torch.rand(1, 8 * height, 8 * width, 3, generator=torch.Generator().manual_seed(0))
    positive, negative, latent = SVDConditioning.execute(
        svd.image_encoder, svd.vae, picture, 8 * width, 8 * height, frames, 127, 7, 0.02, 5,
        "cover", "whole picture (reference)",
    ).args  # fmt: skip
    model = without_network(svd.model)
    (theirs,) = VideoLinearCFGGuidance().patch(model, FIRST)
    (ours,) = SVDGuidance.execute(model, "custom", FIRST, LAST, "linear").args
    settings = SamplerSettings(7, STEPS, "karras", "euler", 0.0, 0.0, LAST)
    common = (7, STEPS, LAST, "euler", "karras", positive, negative, latent)
    return (
        partial(core_nodes.common_ksampler, theirs, *common),
        partial(run_sampler, ours, positive, negative, latent, settings),
    )


def without_network(model: ModelPatcher) -> ModelPatcher:
    """A clone whose UNet answers with zeros at once."""

    def forward(x: Tensor, *args: object, **kwargs: object) -> Tensor:
        return x.new_zeros(x.shape[0], 4, *x.shape[2:])

    patched = model.clone()
    patched.add_object_patch("diffusion_model.forward", forward)
    return patched


def side_by_side(theirs: Run, ours: Run) -> tuple[float, float, float]:
    """Medians of core's and ours and of their difference, in milliseconds an evaluation."""
    theirs(), ours()
    pairs = []
    for pair in range(PAIRS):
        if pair % 2:
            mine, core = milliseconds(ours), milliseconds(theirs)
        else:
            core, mine = milliseconds(theirs), milliseconds(ours)
        pairs.append((core, mine))
    core, mine = (statistics.median(times) for times in zip(*pairs, strict=True))
    return core, mine, statistics.median(mine - core for core, mine in pairs)


def milliseconds(run: Run) -> float:
    begin = time.process_time()
    run()
    return 1000 * (time.process_time() - begin) / (2 * STEPS)  # both conditionings of each step


def full_size_evaluation(film: tuple[int, int, int]) -> float:
    """Seconds of one conditioning through the published UNet with random weights, at best."""
    frames, height, width = film
    evaluate = inputs_of(unet_of_random_weights(), (frames, 4, height, width))
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        evaluate()
        times.append(time.perf_counter() - begin)
    return min(times)


if __name__ == "__main__":
    from bench_report import print_table

    print_table(measure())
