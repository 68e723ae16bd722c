from __future__ import annotations

import re

import pytest
import torch
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.lora.dialects import Key, parse_key, spellings
from svd_studio.models.lora.families import Kind, kind_of

from .lora_makers import ATTENTION_PROCESSORS, ATTENTION_SPELLS, SPELLS


def modules_of(names, kind):
    return [module for module in names.weights if kind_of(module) is kind]


def test_no_spelling_of_a_full_size_name_means_two_modules(full):
    owners = {}
    for module, theirs in full.diffusers.items():
        for name in {*spellings(module), *spellings(theirs)}:
            owners.setdefault(name, set()).add(module)
    assert len(owners) == len(full.known)
    assert all(len(modules) == 1 for modules in owners.values())


def test_no_diffusers_name_ends_in_another(full):
    """So that whole names are patterns of one module each in PEFT's settings."""
    names = list(full.diffusers.values())
    text = "\n".join(names)
    for name in names:
        assert len(re.findall(rf"^(?:.*\.)?(?:{name})$", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("dialect", ATTENTION_SPELLS)
def test_all_256_attention_weights_of_the_published_unet_are_reachable(full, dialect):
    modules = modules_of(full, Kind.ATTENTION)
    assert len(modules) == 256
    assert reached(full, modules, ATTENTION_SPELLS[dialect]) == modules


@pytest.mark.parametrize("dialect", SPELLS)
def test_every_feed_forward_weight_of_the_published_unet_is_reachable(full, dialect):
    modules = modules_of(full, Kind.FEED_FORWARD)
    assert len(modules) == 16 * (2 + 2 + 2)  # spatial, temporal and the temporal one before it
    assert reached(full, modules, SPELLS[dialect]) == modules


@pytest.mark.parametrize("dialect", SPELLS)
def test_every_other_weight_of_the_published_unet_is_reachable(full, dialect):
    modules = list(full.weights)
    assert reached(full, modules, SPELLS[dialect]) == modules


def reached(names, modules, spell):
    """The modules that both keys of each adapter lead to."""
    found = []
    for module in modules:
        up, down = (names.find(parse_key(key)) for key in spell(module, names.diffusers[module]))
        assert (up[0], up[1]) == (down[0], "lora_up.weight")
        assert down[1] == "lora_down.weight"
        found.append(up[0])
    return found


@pytest.mark.comfy
def test_shapes_are_those_of_cores_network(core, full_shapes):
    from svd_studio.dev.meta_unet import MetaUNet

    unet = MetaUNet(UNetArchitecture(), torch.float16).unet
    assert full_shapes == {key: tuple(t.shape) for key, t in unet.state_dict().items()}


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("lora_unet_out_2.alpha", "alpha"),
        ("lora_unet_out_2.dora_scale", "dora_scale"),
        ("lora_unet_out_2.lora_mid.weight", "lora_mid.weight"),
        ("lora_unet_out_2.hada_w1_a", "hada_w1_a"),
        ("lora_unet_out_2.hada_t2", "hada_t2"),
        ("lora_unet_out_2.lokr_w2_b", "lokr_w2_b"),
        ("lora_unet_out_2.lokr_t2", "lokr_t2"),
        ("lora_unet_out_2.oft_blocks", "oft_blocks"),
        ("lora_unet_out_2.a1.weight", "a1.weight"),
        ("lora_unet_out_2.diff_b", "diff_b"),
        ("lora_unet_out_2.w_norm", "diff"),
        ("lora_unet_out_2.b_norm", "diff_b"),
        ("diffusion_model.out.2.bias.diff", "diff_b"),
        ("base_model.model.conv_out.lora_magnitude_vector", "lora_magnitude_vector"),
        ("base_model.model.conv_out.lora_magnitude_vector.x.weight", "lora_magnitude_vector"),
        ("base_model.model.conv_out.hada_w1_a.default", "hada_w1_a"),
        ("base_model.model.conv_out.lora_B.bias", "lora_up.bias"),
        ("unet.conv_out.lora.alpha", "alpha"),
    ],
)
def test_roles_of_every_kind_of_adapter_are_read(small, key, role):
    assert small.find(parse_key(key))[:2] == ("out.2", role)


def test_weights_of_a_network_are_no_adapters():
    assert parse_key("model.diffusion_model.out.2.weight") is None


def test_a_key_tells_its_writer():
    assert parse_key("unet.a.attn1.processor.to_q_lora.up.weight") == Key(
        ATTENTION_PROCESSORS, "a.attn1.to_q", "lora_up.weight"
    )
