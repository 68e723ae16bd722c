"""Every kind of adapter against its own formula, through ComfyUI's maths."""

from __future__ import annotations

import pytest
import torch
from svd_studio.models.lora.adapters import MisfitError, for_core, kinds, rank_of
from svd_studio.models.lora.weights import LoraWeights
from torch.testing import assert_close

LINEAR, KERNEL, VIDEO_KERNEL = (12, 8), (12, 8, 3, 3), (12, 8, 3, 1, 1)
SHAPES = {"linear": LINEAR, "kernel": KERNEL, "video kernel": VIDEO_KERNEL}
R = 4


def randoms(**shapes):
    generator = torch.Generator().manual_seed(0)
    return {
        name.replace("__", "."): torch.randn(shape, generator=generator)
        for name, shape in shapes.items()
    }


def tucker(core, left, right):
    """(i, j, kernel) between (i, out) and (j, in)."""
    return torch.einsum("ij...,ip,jr->pr...", core, left, right)


def lora(shape):
    a = randoms(lora_up__weight=(12, R), lora_down__weight=(R, *shape[1:]))
    return a, (a["lora_up.weight"] @ a["lora_down.weight"].flatten(1)).reshape(shape) / 2


def lora_mid(shape):
    ones = [1] * (len(shape) - 2)
    a = randoms(
        lora_up__weight=(12, R, *ones),
        lora_down__weight=(R, 8, *ones),
        lora_mid__weight=(R, R, *shape[2:]),
    )
    up, down = a["lora_up.weight"].flatten(1), a["lora_down.weight"].flatten(1)
    return a, tucker(a["lora_mid.weight"], up.T, down) / 2


def loha(shape):
    columns = torch.Size(shape[1:]).numel()
    a = randoms(
        hada_w1_a=(12, R), hada_w1_b=(R, columns), hada_w2_a=(12, R), hada_w2_b=(R, columns)
    )
    first, second = a["hada_w1_a"] @ a["hada_w1_b"], a["hada_w2_a"] @ a["hada_w2_b"]
    return a, (first * second).reshape(shape) / 2


def loha_tucker(shape):
    a = randoms(
        hada_w1_a=(R, 12),
        hada_w1_b=(R, 8),
        hada_t1=(R, R, *shape[2:]),
        hada_w2_a=(R, 12),
        hada_w2_b=(R, 8),
        hada_t2=(R, R, *shape[2:]),
    )
    first, second = (tucker(a[f"hada_t{n}"], a[f"hada_w{n}_a"], a[f"hada_w{n}_b"]) for n in (1, 2))
    return a, first * second / 2


def kron(first, second):
    """(a, c) and (b, d, kernel) to (a b, c d, kernel)."""
    product = torch.einsum("ac,bd...->abcd...", first, second)
    return product.flatten(2, 3).flatten(0, 1)


def lokr(shape):
    a = randoms(lokr_w1=(3, 2), lokr_w2=(4, 4, *shape[2:]))
    return a, kron(a["lokr_w1"], a["lokr_w2"])


def lokr_factors(shape):
    columns = torch.Size((4, *shape[2:])).numel()
    a = randoms(lokr_w1_a=(3, R), lokr_w1_b=(R, 2), lokr_w2_a=(4, R), lokr_w2_b=(R, columns))
    second = (a["lokr_w2_a"] @ a["lokr_w2_b"]).reshape(4, 4, *shape[2:])
    return a, kron(a["lokr_w1_a"] @ a["lokr_w1_b"], second) / 2


def lokr_tucker(shape):
    a = randoms(lokr_w1=(3, 2), lokr_t2=(R, R, *shape[2:]), lokr_w2_a=(R, 4), lokr_w2_b=(R, 4))
    return a, kron(a["lokr_w1"], tucker(a["lokr_t2"], a["lokr_w2_a"], a["lokr_w2_b"])) / 2


def difference(shape):
    a = randoms(diff=shape)
    return a, a["diff"]


CASES = [
    (make, name)
    for make in (lora, lora_mid, loha, loha_tucker, lokr, lokr_factors, lokr_tucker, difference)
    for name in SHAPES
    if name != "linear" or make not in (lora_mid, loha_tucker, lokr_tucker)
]


@pytest.mark.comfy
@pytest.mark.parametrize(("make", "layer"), CASES, ids=lambda v: getattr(v, "__name__", v))
def test_core_adds_what_the_formula_says(core, make, layer):
    from .core_maths import core_change

    adapter, expected = make(SHAPES[layer])
    fitted = for_core(adapter | {"alpha": torch.tensor(R / 2)}, SHAPES[layer], None)
    found = core_change(LoraWeights("one", {"out.2": fitted}), "out.2", SHAPES[layer])
    assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.comfy
@pytest.mark.parametrize("old", [False, True])
def test_glora_mixes_the_weight_itself(core, old):
    from .core_maths import core_result

    a = randoms(a1=(8, R), a2=(R, 8), b1=(12, R), b2=(R, 8), weight=LINEAR)
    weight = a.pop("weight")
    expected = weight + weight @ a["a1"] @ a["a2"] + a["b1"] @ a["b2"]
    names = {"a1": "a2", "a2": "a1", "b1": "b2", "b2": "b1"} if old else {}
    adapter = {f"{names.get(name, name)}.weight": tensor for name, tensor in a.items()}
    fitted = for_core(adapter, LINEAR, None)
    found = core_result(LoraWeights("one", {"out.2": fitted}), "out.2", weight)
    assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.comfy
@pytest.mark.parametrize("blocks", [(3, 4, 4), (1, 3, 4, 4)], ids=["OFT", "BOFT"])
def test_orthogonal_adapters_keep_the_length_of_every_column(core, blocks):
    from .core_maths import core_result

    a = randoms(oft_blocks=blocks, weight=LINEAR)
    weight = a.pop("weight")
    found = core_result(LoraWeights("one", {"out.2": for_core(a, LINEAR, None)}), "out.2", weight)
    assert not torch.allclose(found, weight)
    assert_close(found.norm(dim=0), weight.norm(dim=0), rtol=1e-4, atol=1e-4)


@pytest.mark.comfy
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("layer", SHAPES)
def test_magnitudes_of_a_trained_nothing_change_nothing(core, layer, axis):
    from .core_maths import core_result

    shape = SHAPES[layer]
    a = randoms(weight=shape, lora_up__weight=(12, R))
    weight = a.pop("weight")
    a["lora_down.weight"] = torch.zeros(R, *shape[1:])
    others = [i for i in range(len(shape)) if i != axis]
    a["dora_scale"] = torch.linalg.vector_norm(weight, dim=others, keepdim=True)
    fitted = for_core(a, shape, None)
    found = core_result(LoraWeights("one", {"out.2": fitted}), "out.2", weight)
    assert_close(found, weight, rtol=1e-4, atol=1e-4)


MISFITS = {
    "nothing but alpha": ({"alpha": ()}, "no factors"),
    "two kinds": ({"diff": LINEAR, "lora_up__weight": (12, R)}, "mixes LoRA and full difference"),
    "alpha of two": ({"diff": LINEAR, "alpha": (2,)}, "an alpha of 2 numbers"),
    "bias too long": ({"diff_b": (13,)}, r"a bias of \[13\], expected \[12\]"),
    "Hadamard sizes": (
        {"hada_w1_a": (12, R), "hada_w1_b": (R, 8), "hada_w2_a": (12, R), "hada_w2_b": (R, 9)},
        "expected equal sizes",
    ),
    "Kronecker size": ({"lokr_w1": (3, 2), "lokr_w2": (4, 5)}, "12x10, expected 12x8"),
    "a flat core": (
        {"lokr_w1": (3, 2), "lokr_t2": (R, R), "lokr_w2_a": (R, 4), "lokr_w2_b": (R, 4)},
        "expected its rank twice",
    ),
    "blocks": ({"oft_blocks": (3, 4, 5)}, "square blocks"),
    "too few blocks": ({"oft_blocks": (2, 4, 4)}, "expected 12x8"),
    "magnitudes": ({"diff": LINEAR, "dora_scale": (5, 1)}, r"magnitudes of \[5, 1\]"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_misfit_says_why(case):
    shapes, reason = MISFITS[case]
    with pytest.raises(MisfitError, match=reason):
        for_core(randoms(**shapes), LINEAR, (12,))


def test_a_bias_of_a_layer_without_one_is_a_misfit():
    with pytest.raises(MisfitError, match="expected none"):
        for_core(randoms(diff_b=(12,)), LINEAR, None)


def test_a_bias_alone_is_an_adapter():
    adapter = randoms(diff_b=(12,))
    assert for_core(adapter, LINEAR, (12,)).keys() == {"diff_b"}
    assert (kinds(adapter), rank_of(adapter)) == (set(), None)
