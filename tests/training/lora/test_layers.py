"""Which layers a LoRA is put on, counted on the published UNet."""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def shapes(core):
    from svd_studio.models.architecture import UNetArchitecture
    from svd_studio.models.patches.lora import unet_shapes
    from svd_studio.models.patches.lora_dry_run import meta_model

    return unet_shapes(meta_model(UNetArchitecture(), torch.float16))


def chosen(shapes, branch, depth):
    from svd_studio.training.lora.layers import Branch, Depth, adapted_modules

    return adapted_modules(shapes, Branch[branch], Depth[depth])


# 16 transformers, four projections in each of two attentions, but for queries and keys of the
# attention to the one token; feed-forward layers have two, and across frames there are two of them.
@pytest.mark.parametrize(
    ("branch", "depth", "count"),
    [
        ("TEMPORAL", "ATTENTION", 16 * 6),
        ("SPATIAL", "ATTENTION", 16 * 6),
        ("BOTH", "ATTENTION", 2 * 16 * 6),
        ("TEMPORAL", "TRANSFORMER", 16 * (6 + 4)),
        ("SPATIAL", "TRANSFORMER", 16 * (6 + 2)),
    ],
)
def test_transformers_are_counted(shapes, branch, depth, count):
    assert len(chosen(shapes, branch, depth)) == count


def test_the_branches_share_no_layer_and_leave_none_out(shapes):
    temporal, spatial, both = (
        set(chosen(shapes, branch, "EVERYTHING")) for branch in ("TEMPORAL", "SPATIAL", "BOTH")
    )
    assert not temporal & spatial
    assert temporal | spatial == both


def test_everything_is_every_kernel_and_matrix_that_sees_the_film(shapes):
    matrices = {k.removesuffix(".weight") for k, s in shapes.items() if len(s) > 1}
    left_out = matrices - set(chosen(shapes, "BOTH", "EVERYTHING"))
    without_effect = {name for name in left_out if name.endswith(("attn2.to_q", "attn2.to_k"))}
    told = {name for name in left_out if name.startswith(("time_embed.", "label_emb."))}
    assert left_out == without_effect | told


def test_what_only_scales_or_mixes_is_left_alone(shapes):
    for name in chosen(shapes, "BOTH", "EVERYTHING"):
        assert len(shapes[f"{name}.weight"]) > 1
