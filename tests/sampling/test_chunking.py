"""Core's layers whole against the same layers in chunks."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.chunking import Chunking, video_res_block, video_transformer
from svd_studio.sampling.parked_skips import ParkedSkips

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

FRAMES, HEIGHT, WIDTH = 5, 9, 12
CHUNKS = [2**30, 40_000, 9_000, 1]


def layers_of(mini, kind: str) -> list[torch.nn.Module]:
    unet = mini.model.model.diffusion_model
    return [layer for layer in unet.modules() if type(layer).__name__ == kind]


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(4))


def chunking(elements: int) -> Chunking:
    return Chunking(elements, lambda layer, x: (layer.weight, layer.bias))


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("elements", CHUNKS)
@pytest.mark.parametrize("films", [1, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_res_blocks_give_the_same_numbers(mini, elements, films, layout):
    for block in layers_of(mini, "VideoResBlock")[::5]:
        x = noise(films * FRAMES, block.channels, HEIGHT, WIDTH).to(memory_format=layout)
        emb = noise(films * FRAMES, block.emb_channels)
        ours = video_res_block(block, x, emb, FRAMES, None, chunking(elements))
        assert relative_error(ours, block(x, emb, FRAMES, None)) < 1e-5


@pytest.mark.parametrize("elements", CHUNKS)
@pytest.mark.parametrize("films", [1, 2])
def test_transformers_give_the_same_numbers(mini, elements, films):
    for layer in layers_of(mini, "SpatialVideoTransformer")[::4]:
        x = noise(films * FRAMES, layer.in_channels, HEIGHT, WIDTH)
        width = layer.transformer_blocks[0].attn2.to_k.in_features
        context = noise(films * FRAMES, 1, width)
        ours = video_transformer(layer, x, context, None, FRAMES, None, {}, chunking(elements))
        assert relative_error(ours, layer(x, context, None, FRAMES, None, {})) < 1e-5


def test_single_images_pass_through_time_untouched(mini):
    block = layers_of(mini, "VideoResBlock")[0]
    x, emb = noise(FRAMES, block.channels, HEIGHT, WIDTH), noise(FRAMES, block.emb_channels)
    stills = torch.ones(1, FRAMES)
    ours = video_res_block(block, x, emb, FRAMES, stills, chunking(4_000))
    assert relative_error(ours, block(x, emb, FRAMES, stills)) < 1e-5


@pytest.mark.parametrize("elements", CHUNKS)
def test_chunking_leaves_the_input_alone(mini, elements):
    block = layers_of(mini, "VideoResBlock")[3]
    x, emb = noise(FRAMES, block.channels, HEIGHT, WIDTH), noise(FRAMES, block.emb_channels)
    before = x.clone()
    video_res_block(block, x, emb, FRAMES, None, chunking(elements))
    assert torch.equal(x, before)


def test_chunks_cover_everything_evenly():
    for total in range(1, 40):
        for elements in range(1, 60, 7):
            pieces = list(chunking(elements).ranges(total, 3))
            lengths = [piece.stop - piece.start for piece in pieces]
            assert sum(lengths) == total
            assert max(lengths) - min(lengths) <= 1
            assert max(lengths) * 3 <= max(elements, 3)
            in_pairs = [p.stop - p.start for p in chunking(elements).ranges(total, 3, at_least=2)]
            assert sum(in_pairs) == total
            assert max(in_pairs) >= min(2, total)
            assert in_pairs.count(1) <= 1


def test_parked_skips_come_back_with_their_strides():
    skips = ParkedSkips()
    h = noise(2, 3, 4, 5).to(memory_format=torch.channels_last)
    parked = skips.park(h, {})
    assert skips.give_back(parked, {}) is h
    _, fetched = skips.fetch(h, parked, {})
    assert torch.equal(fetched, h)
    assert fetched.stride() == h.stride()


def test_patches_of_others_see_device_tensors_only():
    seen = []

    def look(h, options):
        seen.append(h.device.type)
        return h

    others = {"input_block_patch": [look], "input_block_patch_after_skip": [look]}
    skips = ParkedSkips(to_host=lambda h: torch.empty_like(h, device="meta"))
    patches = skips.patches(others)
    h = noise(1, 2, 3, 3)
    for patch in patches["input_block_patch"]:
        h = patch(h, {})
    for patch in patches["input_block_patch_after_skip"]:
        h = patch(h, {})
    assert seen == ["cpu", "cpu"]
