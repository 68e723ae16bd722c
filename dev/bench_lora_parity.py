"""The same LoRA on ComfyUI's UNet through the pack and on diffusers' UNet through PEFT."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import peft
import torch
from bench_report import Row
from comfy.model_patcher import ModelPatcher
from svd_studio.models.diffusers_keys import rename, unet_pairs
from svd_studio.models.loader import load_svd
from svd_studio.models.lora.families import Kind, kind_of
from svd_studio.models.lora.lora_file import read_lora
from svd_studio.models.lora.match import match_lora
from svd_studio.models.lora.weights import LoraWeights
from svd_studio.models.lora.write import Layout, saved_at, write_lora
from svd_studio.models.patches.lora import apply_lora, unet_shapes
from svd_studio.models.sources import MINI, SVDSource, open_svd
from svd_studio.tests.models.diffusers_twins import unet_twin
from svd_studio.training.vector_conditioning import vector_conditioning
from torch import Tensor, nn

ADAPTED = (Kind.ATTENTION, Kind.FEED_FORWARD)
RANK, ALPHA = 4, 6.0
GAIN = 0.1
TOLD = (6, 127, 0.02)  # frame rate less one, motion bucket, augmentation level
SIZE = (4, 16, 24)  # frames, and latents of 128x192
TARGET = 1e-4


@torch.inference_mode()
def parity_rows() -> Iterator[Row]:
    """Largest differences of outputs in fp32, with every attention and feed-forward adapted."""
    source = open_svd(MINI)
    model = load_svd(source, "fp32").model
    plain = output_of(model, source)
    with tempfile.TemporaryDirectory() as folder:
        ours_first, theirs = ours_into_peft(model, source, Path(folder) / "ours")
        yield parity("our PEFT folder in diffusers", ours_first, theirs)
        ours, theirs_first = peft_into_ours(model, source, Path(folder) / "theirs")
        yield parity("a PEFT folder of theirs in ours", ours, theirs_first)
    yield parity("without a LoRA", plain, twin_output(twin_of(source), source))
    for whose, output in (("ours", ours_first), ("theirs", ours)):
        effect = float((output - plain).abs().max())
        yield Row(f"LoRA on svd-mini, {whose}: what it changes", "", None, effect)


def parity(what: str, ours: Tensor, theirs: Tensor) -> Row:
    error = float((ours - theirs).abs().max())
    return Row(f"LoRA on svd-mini, {what}: difference", "", None, error, TARGET)


def ours_into_peft(model: ModelPatcher, source: SVDSource, folder: Path) -> tuple[Tensor, Tensor]:
    shapes = unet_shapes(model)
    lora = random_lora(shapes, RANK, ALPHA)
    write_lora(folder, lora, Layout.PEFT, shapes)
    twin = peft.PeftModel.from_pretrained(twin_of(source), saved_at(folder, Layout.PEFT)).eval()
    return output_of(apply_lora(model, lora), source), twin_output(twin, source)


def peft_into_ours(model: ModelPatcher, source: SVDSource, folder: Path) -> tuple[Tensor, Tensor]:
    settings = peft.LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=r".*\.(to_[qkv]|to_out\.0|net\.0\.proj|net\.2)"
    )
    twin = peft.get_peft_model(twin_of(source), settings).eval()
    generator = torch.Generator().manual_seed(7)
    for name, factor in twin.named_parameters():
        if ".lora_" in name:
            factor.copy_(random_factor(tuple(factor.shape), generator))
    twin.save_pretrained(folder)
    lora = match_lora(read_lora(folder), unet_shapes(model)).weights
    return output_of(apply_lora(model, lora), source), twin_output(twin, source)


def random_lora(shapes: Mapping[str, tuple[int, ...]], rank: int, alpha: float) -> LoraWeights:
    """Adapters on every weight of attention and feed-forward layers."""
    generator = torch.Generator().manual_seed(6)
    modules = {}
    for key, shape in shapes.items():
        module = key.removesuffix(".weight")
        if module != key and kind_of(module) in ADAPTED:
            modules[module] = {
                "lora_up.weight": random_factor((shape[0], rank), generator),
                "lora_down.weight": random_factor((rank, shape[1]), generator),
                "alpha": torch.tensor(alpha),
            }
    return LoraWeights("random", modules)


def random_factor(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Such that both factors together change signals by about GAIN of their size."""
    return torch.randn(shape, generator=generator) * (GAIN / shape[1]) ** 0.5


def twin_of(source: SVDSource) -> nn.Module:
    architecture = source.unet_architecture
    twin = unet_twin(architecture)
    twin.load_state_dict(rename(source.read_unet(), unet_pairs(architecture)))
    return twin.requires_grad_(False)


def film_of(source: SVDSource) -> tuple[Tensor, Tensor]:
    """Noisy latents beside the picture's (T, 8, h, w), and the picture's embedding (1, dim)."""
    generator = torch.Generator().manual_seed(8)
    frames, height, width = SIZE
    x = torch.randn(frames, 8, height, width, generator=generator)
    return x, torch.randn(1, source.unet_architecture.context_dim, generator=generator)


def output_of(model: ModelPatcher, source: SVDSource) -> Tensor:
    """One pass of core's UNet with the model's patches on it, (T, 4, h, w)."""
    x, embedding = film_of(source)
    frames = len(x)
    model.patch_model(torch.device("cpu"))
    try:
        return model.model.diffusion_model(
            x,
            torch.zeros(frames),
            embedding.expand(frames, 1, -1),
            y=vector_conditioning(*TOLD).expand(frames, -1),
            num_video_frames=frames,
        )
    finally:
        model.unpatch_model(torch.device("cpu"))


def twin_output(twin: nn.Module, source: SVDSource) -> Tensor:
    """The same pass of diffusers' UNet."""
    x, embedding = film_of(source)
    timestep, told = torch.zeros(1), torch.tensor([TOLD])
    return twin(x[None], timestep, embedding[None], told, return_dict=False)[0][0]
