"""Whether an adapter fits its layer, and the exact form that ComfyUI's maths reads it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from torch import Tensor, einsum, zeros

from .dialects import MAGNITUDE

Adapter = Mapping[str, Tensor]
Size = tuple[int, int]  # rows (out), columns (in x kernel) of the change to a weight
_KIND_STARTS = {
    "lora_up": "LoRA",
    "lora_down": "LoRA",
    "hada_": "LoHa",
    "lokr_": "LoKr",
    "a1.": "GLoRA",
    "b1.": "GLoRA",
    "oft_blocks": "OFT",
    "diff": "full difference",
    "set_weight": "full weight",
}
_FOUR_AXES = ("lokr_w2", "hada_t1", "hada_t2")


class MisfitError(ValueError):
    """An adapter that cannot be put on its layer, and why, in words that follow its name."""


def kinds(adapter: Adapter) -> set[str]:
    """LoRA, LoHa, LoKr, GLoRA, OFT, full difference or full weight; `diff_b` is of no kind."""
    roles = [role for role in adapter if role != "diff_b"]
    return {
        kind for role in roles for start, kind in _KIND_STARTS.items() if role.startswith(start)
    }


def rank_of(adapter: Adapter) -> int | None:
    """The rank that ComfyUI divides alpha by; None for adapters whose alpha it does not use."""
    for role in ("lora_down.weight", "hada_w1_b", "lokr_w2_b", "lokr_w1_b"):
        if role in adapter:
            return adapter[role].shape[0]
    return None


def for_core(adapter: Adapter, weight: tuple[int, ...], bias: tuple[int, ...] | None) -> Adapter:
    """`adapter` for a layer of these shapes as ComfyUI's weight adapters read it.

    ComfyUI (0.3.75) multiplies Kronecker kernels right only when they have four axes, fails on
    Tucker cores in them, adds differences only of the weight's own shape, and takes magnitudes
    as a column. Only a Tucker core takes arithmetic to change. Raises `MisfitError`.
    """
    found = kinds(adapter)
    if len(found) > 1:
        raise MisfitError(f"mixes {' and '.join(sorted(found))}, of which one can be used")
    if not found and "diff_b" not in adapter:
        raise MisfitError(f"has no factors, only {', '.join(sorted(adapter))}")
    expected = (weight[0], prod(weight[1:])) if weight else (1, 1)
    for kind in found:
        size = _SIZES[kind](adapter)
        if size != expected and not (kind == "OFT" and size[0] == expected[0]):
            raise MisfitError(
                f"changes a weight of {size[0]}x{size[1]}, expected {expected[0]}x{expected[1]}"
            )
    adapter = _without_lokr_core(adapter)
    fitted = {role: _shaped(role, tensor, weight) for role, tensor in adapter.items()}
    if MAGNITUDE in fitted:
        fitted["dora_scale"] = fitted.pop(MAGNITUDE)
    if found == {"OFT"}:
        fitted.setdefault("alpha", zeros(()))  # no constraint; BOFT fails in ComfyUI without
    _check_bias(fitted, bias)
    return fitted


def _without_lokr_core(adapter: Adapter) -> Adapter:
    """The Tucker core (r, r, kernel) multiplied into the second factor: (b, r), (r, d kernel)."""
    if "lokr_t2" not in adapter:
        return adapter
    kept = {role: tensor for role, tensor in adapter.items() if role != "lokr_t2"}
    core, right = adapter["lokr_t2"].float(), adapter["lokr_w2_b"].flatten(1).float()
    kept["lokr_w2_a"] = adapter["lokr_w2_a"].flatten(1).T.contiguous()
    kept["lokr_w2_b"] = einsum("ij...,jd->id...", core, right).flatten(1)
    return kept


def _check_bias(adapter: Adapter, bias: tuple[int, ...] | None) -> None:
    if "diff_b" in adapter and tuple(adapter["diff_b"].shape) != bias:
        expected = list(bias) if bias else "none"
        found = list(adapter["diff_b"].shape)
        raise MisfitError(f"changes a bias of {found}, expected {expected}")


def _shaped(role: str, tensor: Tensor, weight: tuple[int, ...]) -> Tensor:
    if role == "alpha":
        if tensor.numel() != 1:
            raise MisfitError(f"has an alpha of {tensor.numel()} numbers, expected one")
        return tensor.reshape(())
    if role in (MAGNITUDE, "dora_scale"):
        return _magnitudes(role, tensor, weight)
    if role in ("diff", "set_weight"):
        return tensor.reshape(weight)
    if role in _FOUR_AXES and tensor.ndim == 5:
        return tensor.flatten(3)
    return tensor


def _magnitudes(role: str, tensor: Tensor, weight: tuple[int, ...]) -> Tensor:
    rows, ones = weight[0], [1] * (len(weight) - 1)
    per_row = role == MAGNITUDE or tensor.ndim == 1 or tensor.shape[0] == rows
    if tensor.numel() == rows and per_row:
        return tensor.reshape(rows, *ones)
    if len(weight) > 1 and tensor.numel() == weight[1] and not per_row:
        return tensor.reshape(1, weight[1], *ones[1:])
    raise MisfitError(f"has magnitudes of {list(tensor.shape)}, expected {rows} of them")


def _matrix(adapter: Adapter, role: str) -> Size:
    """Rows, and everything else as columns."""
    if role not in adapter:
        raise MisfitError(f"has no {role}")
    shape = adapter[role].shape
    if len(shape) < 2:
        raise MisfitError(f"has a {role} of {list(shape)}, expected a matrix")
    return shape[0], prod(shape[1:])


def _joined(first: Size, second: Size) -> Size:
    """The size of the product of two factors."""
    if first[1] != second[0]:
        raise MisfitError(
            f"has factors of {first[0]}x{first[1]} and {second[0]}x{second[1]}, whose ranks differ"
        )
    return first[0], second[1]


def _kernel(adapter: Adapter, role: str, rows: Size, columns: Size) -> Size:
    """The size of a Tucker core (r, r, kernel) between transposed factors (r, out), (r, in)."""
    shape = adapter[role].shape
    if len(shape) not in (4, 5) or tuple(shape[:2]) != (rows[0], columns[0]):
        raise MisfitError(f"has a {role} of {list(shape)}, expected its rank twice and a kernel")
    return rows[1], columns[1] * prod(shape[2:])


def _lora(adapter: Adapter) -> Size:
    up, down = _matrix(adapter, "lora_up.weight"), _matrix(adapter, "lora_down.weight")
    size = _joined(up, down)
    if "lora_mid.weight" not in adapter:
        return size
    return _kernel(adapter, "lora_mid.weight", up[::-1], down)


def _loha(adapter: Adapter) -> Size:
    sizes = []
    for number in (1, 2):
        left = _matrix(adapter, f"hada_w{number}_a")
        right = _matrix(adapter, f"hada_w{number}_b")
        if f"hada_t{number}" in adapter:
            sizes.append(_kernel(adapter, f"hada_t{number}", left, right))
        else:
            sizes.append(_joined(left, right))
    if sizes[0] != sizes[1]:
        raise MisfitError(f"multiplies {sizes[0]} by {sizes[1]}, expected equal sizes")
    return sizes[0]


def _lokr(adapter: Adapter) -> Size:
    first = _whole_or_factors(adapter, "lokr_w1")
    if "lokr_t2" in adapter:
        factors = _matrix(adapter, "lokr_w2_a"), _matrix(adapter, "lokr_w2_b")
        second = _kernel(adapter, "lokr_t2", *factors)
    else:
        second = _whole_or_factors(adapter, "lokr_w2")
    return first[0] * second[0], first[1] * second[1]


def _whole_or_factors(adapter: Adapter, role: str) -> Size:
    if role in adapter:
        return _matrix(adapter, role)
    return _joined(_matrix(adapter, f"{role}_a"), _matrix(adapter, f"{role}_b"))


def _glora(adapter: Adapter) -> Size:
    a1, a2, b1, b2 = (_matrix(adapter, f"{name}.weight") for name in ("a1", "a2", "b1", "b2"))
    if b1[0] == b2[1] == a1[0] == a2[1]:  # LyCORIS swapped the factors at some time
        a1, a2, b1, b2 = a2, a1, b2, b1
    _joined(a1, a2)
    return _joined(b1, b2)


def _oft(adapter: Adapter) -> Size:
    shape = adapter["oft_blocks"].shape
    if len(shape) not in (3, 4) or shape[-1] != shape[-2]:
        raise MisfitError(f"has oft_blocks of {list(shape)}, expected square blocks")
    return shape[-3] * shape[-1], 0


def _difference(adapter: Adapter) -> Size:
    shape = adapter["diff" if "diff" in adapter else "set_weight"].shape
    return (shape[0], prod(shape[1:])) if shape else (1, 1)


_SIZES: Mapping[str, Callable[[Adapter], Size]] = {
    "LoRA": _lora,
    "LoHa": _loha,
    "LoKr": _lokr,
    "GLoRA": _glora,
    "OFT": _oft,
    "full difference": _difference,
    "full weight": _difference,
}
