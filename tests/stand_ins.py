"""Small files with random weights that ComfyUI's own loaders take for Stable Diffusion 1.5.

For running the graphs that begin with a text or a sketch where the gigabytes that they name are
not at hand. What a loader recognises is kept (the layers' names, 320 channels, 768 wide text,
eight pixels a latent); what it measures is small: one residual block a level, two levels, and the
tiny autoencoder TAESD for the VAE. Only CLIP-L is whole, as its size is fixed in ComfyUI. The
pictures that come out are coloured fog.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

CHANNELS, TIME, TEXT = 320, 1280, 768
WORDS, POSITIONS, TEXT_LAYERS = 49408, 77, 12
LATENT, TINY = 4, 64
HINT = (3, 16, 16, 32, 32, 96, 96, 256, CHANNELS)
POOL = 1 << 20

State = dict[str, Tensor]


class Drawn:
    """A state of float16 tensors, filled from one pool of normal noise: 340 MB in a second."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.pool = torch.randn(POOL, generator=generator)
        self.start = 0
        self.state: State = {}

    def noise(self, name: str, *shape: int, std: float) -> None:
        count = torch.Size(shape).numel()
        self.start = (self.start + 7919) % POOL
        turned = (self.pool.roll(self.start) * std).half()
        self.state[name] = turned.repeat(count // POOL + 1)[:count].reshape(shape)

    def layer(self, name: str, out: int, *into: int, bias: bool = True, gain: float = 1.0) -> None:
        """A convolution or a linear layer that keeps the size of what goes in, times `gain`."""
        std = gain / torch.Size(into).numel() ** 0.5
        self.noise(f"{name}.weight", out, *into, std=std)
        if bias:
            self.state[f"{name}.bias"] = torch.zeros(out, dtype=torch.float16)

    def norm(self, name: str, width: int) -> None:
        self.state[f"{name}.weight"] = torch.ones(width, dtype=torch.float16)
        self.state[f"{name}.bias"] = torch.zeros(width, dtype=torch.float16)


def write(name: str, models: Path) -> Path:
    """The file `name` in its folder of `models`, ComfyUI's folder of models; written once.

    Raises KeyError for a name that is not in `STAND_INS`.
    """
    folder, draw = STAND_INS[name]
    target = models / folder / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partly = target.with_suffix(".part")
        save_file(draw(), partly)
        partly.replace(target)
    return target


def checkpoint() -> State:
    """UNet and CLIP-L; it has no VAE, as the graphs load one."""
    drawn = Drawn(1)
    add_unet(drawn, "model.diffusion_model.")
    add_text_encoder(drawn, "cond_stage_model.transformer.text_model.")
    return drawn.state


def controlnet() -> State:
    """The UNet's first half, which looks at a sketch, and a way out of each of its blocks."""
    drawn = Drawn(2)
    add_encoder(drawn, "")
    for i, (into, out) in enumerate(pairwise(HINT)):
        drawn.layer(f"input_hint_block.{2 * i}", out, into, 3, 3, gain=1.5)
    for block in range(4):
        drawn.layer(f"zero_convs.{block}.0", CHANNELS, CHANNELS, 1, 1)
    drawn.layer("middle_block_out.0", CHANNELS, CHANNELS, 1, 1)
    return drawn.state


def vae() -> State:
    """TAESD, which the loader of any VAE knows by its layers' names."""
    drawn = Drawn(3)
    encoder, decoder = "taesd_encoder.", "taesd_decoder."
    drawn.layer(f"{encoder}0", TINY, 3, 3, 3)
    add_tiny_blocks(drawn, encoder, blocks=(1, 3, 4, 5, 7, 8, 9, 11, 12, 13), resize=(2, 6, 10))
    drawn.layer(f"{encoder}14", LATENT, TINY, 3, 3)
    drawn.layer(f"{decoder}1", TINY, LATENT, 3, 3)
    add_tiny_blocks(drawn, decoder, blocks=(3, 4, 5, 8, 9, 10, 13, 14, 15, 18), resize=(7, 12, 17))
    drawn.layer(f"{decoder}19", 3, TINY, 3, 3, gain=0.1)
    drawn.state[f"{decoder}19.bias"] += 0.5  # grey
    drawn.state |= {"vae_scale": torch.tensor(0.18215), "vae_shift": torch.tensor(0.0)}
    return drawn.state


STAND_INS: dict[str, tuple[str, Callable[[], State]]] = {
    "Realistic_Vision_V6.0_NV_B1_fp16.safetensors": ("checkpoints", checkpoint),
    "control_v11p_sd15_scribble_fp16.safetensors": ("controlnet", controlnet),
    "vae-ft-mse-840000-ema-pruned.safetensors": ("vae", vae),
}


def add_unet(drawn: Drawn, at: str) -> None:
    add_encoder(drawn, at)
    for block, has_text in enumerate((True, True, False, False)):
        add_residual(drawn, f"{at}output_blocks.{block}.0.", 2 * CHANNELS)
        if has_text:
            add_attention(drawn, f"{at}output_blocks.{block}.1.")
    drawn.layer(f"{at}output_blocks.1.2.conv", CHANNELS, CHANNELS, 3, 3)
    drawn.norm(f"{at}out.0", CHANNELS)
    drawn.layer(f"{at}out.2", LATENT, CHANNELS, 3, 3)


def add_encoder(drawn: Drawn, at: str) -> None:
    """What UNet and ControlNet share: two levels, the lower one with text, and the middle."""
    drawn.layer(f"{at}time_embed.0", TIME, CHANNELS)
    drawn.layer(f"{at}time_embed.2", TIME, TIME)
    drawn.layer(f"{at}input_blocks.0.0", CHANNELS, LATENT, 3, 3)
    add_residual(drawn, f"{at}input_blocks.1.0.", CHANNELS)
    drawn.layer(f"{at}input_blocks.2.0.op", CHANNELS, CHANNELS, 3, 3)
    add_residual(drawn, f"{at}input_blocks.3.0.", CHANNELS)
    add_attention(drawn, f"{at}input_blocks.3.1.")
    add_residual(drawn, f"{at}middle_block.0.", CHANNELS)


def add_residual(drawn: Drawn, at: str, into: int) -> None:
    drawn.norm(f"{at}in_layers.0", into)
    drawn.layer(f"{at}in_layers.2", CHANNELS, into, 3, 3)
    drawn.layer(f"{at}emb_layers.1", CHANNELS, TIME)
    drawn.norm(f"{at}out_layers.0", CHANNELS)
    drawn.layer(f"{at}out_layers.3", CHANNELS, CHANNELS, 3, 3)
    if into != CHANNELS:
        drawn.layer(f"{at}skip_connection", CHANNELS, into, 1, 1)


def add_attention(drawn: Drawn, at: str) -> None:
    """One transformer block: the picture's own attention, the text's, and the feed-forward."""
    drawn.norm(f"{at}norm", CHANNELS)
    drawn.layer(f"{at}proj_in", CHANNELS, CHANNELS, 1, 1)
    drawn.layer(f"{at}proj_out", CHANNELS, CHANNELS, 1, 1)
    block = f"{at}transformer_blocks.0."
    for name, width in (("attn1", CHANNELS), ("attn2", TEXT)):
        drawn.layer(f"{block}{name}.to_q", CHANNELS, CHANNELS, bias=False)
        drawn.layer(f"{block}{name}.to_k", CHANNELS, width, bias=False)
        drawn.layer(f"{block}{name}.to_v", CHANNELS, width, bias=False)
        drawn.layer(f"{block}{name}.to_out.0", CHANNELS, CHANNELS)
    for number in (1, 2, 3):
        drawn.norm(f"{block}norm{number}", CHANNELS)
    drawn.layer(f"{block}ff.net.0.proj", 8 * CHANNELS, CHANNELS)
    drawn.layer(f"{block}ff.net.2", CHANNELS, 4 * CHANNELS)


def add_text_encoder(drawn: Drawn, at: str) -> None:
    drawn.noise(f"{at}embeddings.token_embedding.weight", WORDS, TEXT, std=0.02)
    drawn.noise(f"{at}embeddings.position_embedding.weight", POSITIONS, TEXT, std=0.01)
    for number in range(TEXT_LAYERS):
        layer = f"{at}encoder.layers.{number}."
        for name in "qkv":
            drawn.layer(f"{layer}self_attn.{name}_proj", TEXT, TEXT)
        drawn.layer(f"{layer}self_attn.out_proj", TEXT, TEXT, gain=0.1)
        drawn.layer(f"{layer}mlp.fc1", 4 * TEXT, TEXT)
        drawn.layer(f"{layer}mlp.fc2", TEXT, 4 * TEXT, gain=0.1)
        drawn.norm(f"{layer}layer_norm1", TEXT)
        drawn.norm(f"{layer}layer_norm2", TEXT)
    drawn.norm(f"{at}final_layer_norm", TEXT)


def add_tiny_blocks(drawn: Drawn, at: str, blocks: Sequence[int], resize: Sequence[int]) -> None:
    """TAESD's blocks of three convolutions, and the ones that halve or follow doubling."""
    for block in blocks:
        for step in (0, 2, 4):
            drawn.layer(f"{at}{block}.conv.{step}", TINY, TINY, 3, 3, gain=0.7)
    for number in resize:
        drawn.layer(f"{at}{number}", TINY, TINY, 3, 3, bias=False)
